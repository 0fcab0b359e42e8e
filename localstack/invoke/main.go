package main

// folder has the payloads, from the top of the repository.
const folder = "events/payloads"

func main() {}
