package payment

// Aggregate is for tests that carry out commands as handlers do.
var Aggregate = &payments
