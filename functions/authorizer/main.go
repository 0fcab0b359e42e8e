// Command authorizer tells API Gateway who is sending a request.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Authorizer) }
