// Package topology describes the whole system as data: tables, functions, routes and
// event sources. infra/ turns it into AWS resources and localstack/ into a running local
// system, so that neither can know something the other does not.
package topology

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/openapi"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/user"
)

// AttributeType is a DynamoDB key type: "S" or "N".
type AttributeType string

// The key types in use.
const (
	String AttributeType = "S"
	Number AttributeType = "N"
)

// Key is one key attribute of a table.
type Key struct {
	Name string
	Type AttributeType
}

// Table is a DynamoDB table. Every table is on demand, encrypted, and has point-in-time recovery
// and deletion protection.
type Table struct {
	ID        string // the name in code and in templates: "Events"
	Suffix    string // the deployed name is <prefix>-<suffix>: "events"
	Partition Key
	Sort      *Key
	Indexes   []Index
	Stream    bool   // a stream with new images
	Expires   string // the attribute with the second, since 1970, after which DynamoDB deletes an item
	Recovery  int    // days that point-in-time recovery reaches back; 0: as far as it can, 35
	Wrapped   bool   // encrypted with the key that wraps the system's keys, and not with DynamoDB's own
}

// Index is a global secondary index that holds the keys only.
type Index struct {
	Name            string
	Partition, Sort Key
}

// Name is the deployed name of the table under a prefix such as "annals".
func (t Table) Name(prefix string) string { return prefix + "-" + t.Suffix }

// Grant is what one function's role may do with one table, by exact DynamoDB actions
// ("GetItem", "PutItem", …). Query is of the table, if that has a sort key, and of each of its
// indexes.
type Grant struct {
	Table   string // Table.ID
	Actions []string
}

// Function is one Lambda function: functions/<Name>, runtime provided.al2023, arm64.
type Function struct {
	Name    string
	Memory  int // MB
	Timeout time.Duration
	Grants  []Grant
	KMS     []string // what it may do with the key that wraps the system's keys: "Decrypt", "GenerateDataKey"
	Signing []string // what it may do with the keys that sign access tokens: "Sign", "GetPublicKey"
	Sends   []string // to which queues, by Queue.ID
	Objects []ObjectGrant
	Mails   bool // it may send mail
	Pays    bool // it calls the provider of payments
}

// Bucket is an S3 bucket. Every one is private, encrypted and keeps the versions of objects.
type Bucket struct {
	ID     string // the name in code and in templates: "Files"
	Suffix string // the deployed name begins with <prefix>-<suffix>: "files"
	Queue  string // is told of every object that was stored, by Queue.ID
}

// Name is the deployed name of the bucket under a prefix such as "annals", up to what makes it
// the only one in the world.
func (b Bucket) Name(prefix string) string { return prefix + "-" + b.Suffix }

// Setting is the environment variable that tells a function the bucket's name.
func (b Bucket) Setting() string { return "ANNALS_BUCKET_" + strings.ToUpper(b.ID) }

// ObjectGrant is what one function's role may do with the objects of a bucket, by exact actions
// of IAM ("GetObjectVersion"). Actions that begin with List are of the bucket itself.
type ObjectGrant struct {
	Bucket  string // Bucket.ID
	Actions []string
}

// Route is one route of the HTTP API and the function that serves it.
type Route struct {
	Method, Path string // Path in API Gateway's notation: /auth/users/{id}
	Function     string
	Authorized   bool // the authorizer runs first
}

// Key is the route key of API Gateway: "GET /health".
func (r Route) Key() string { return r.Method + " " + r.Path }

// EventSource connects a table's stream to a function. Starting position is TRIM_HORIZON,
// batches are bisected on failure and failures reported per item; see DESIGN §3.
type EventSource struct {
	Function    string
	Table       string // Table.ID
	BatchSize   int
	Window      time.Duration // longest wait to fill a batch
	Retries     int
	MaxAge      time.Duration
	Parallel    int      // parallelization factor
	EventNames  []string // filter on eventName: INSERT
	StreamTypes []string // filter on the types attribute; empty: all
}

// Queue is an SQS queue with the function that takes its messages, one at a time. A message
// on which it fails comes up again.
type Queue struct {
	ID         string // the name in code and in templates: "Rebuild"
	Suffix     string // the deployed name is <prefix>-<suffix>: "rebuild"
	Function   string
	Visibility time.Duration // after which a message comes up again; no shorter than the function's timeout
	Receives   int           // after so many a message goes to the queue's dead letters instead
	Parallel   int           // so many messages are worked on at once, at most
}

// Name is the deployed name of the queue under a prefix such as "annals".
func (q Queue) Name(prefix string) string { return prefix + "-" + q.Suffix }

// Setting is the environment variable that tells a function the queue's URL.
func (q Queue) Setting() string { return "ANNALS_QUEUE_" + strings.ToUpper(q.ID) }

// Schedule runs a function at a fixed interval, with the event that EventBridge sends. A
// function's timeout is shorter than its interval, so that one run ends before the next.
type Schedule struct {
	Function string
	Every    time.Duration // whole minutes
}

// Rule runs a function with those events of an AWS service that concern this system. EventBridge
// may bring one twice.
type Rule struct {
	Function    string
	Source      string   // "aws.ses"
	DetailTypes []string // "Email Bounced", …
}

// DefaultRoute is the function that answers every request no route matches, with the 404
// or 405 problem that the contract asks for.
const DefaultRoute = "query"

// Authorizer is the function that turns a bearer token into a caller. Its answers are not
// cached: with caching, API Gateway itself answers a request without the Authorization
// header, and that answer is not the contract's problem document.
const Authorizer = "authorizer"

// Bootstrap is the function that opens the account of an operator. Nothing runs it but somebody
// with the right to invoke it in AWS's own access control.
const Bootstrap = "bootstrap"

// erasedAfter is how many days backups keep what an erasure removes: the keys of persons, and
// what views show of them. Whoever restores within that time erases again.
const erasedAfter = 7

// Tables lists every table.
func Tables() []Table {
	return []Table{
		{ID: "Events", Suffix: "events", Partition: Key{"stream", String}, Sort: &Key{"version", Number}, Stream: true},
		{ID: "Snapshots", Suffix: "snapshots", Partition: Key{"stream", String}},
		{ID: "Views", Suffix: "views", Partition: Key{"row", String}, Recovery: erasedAfter, Indexes: []Index{
			{"list1", Key{"list1", String}, Key{"sort1", String}},
			{"list2", Key{"list2", String}, Key{"sort2", String}},
		}},
		{ID: "Parked", Suffix: "parked", Partition: Key{"view", String}, Sort: &Key{"stream", String}},
		{ID: "Stats", Suffix: "stats", Partition: Key{"part", String}, Sort: &Key{"period", String}, Expires: "expires"},
		{ID: "Tries", Suffix: "tries", Partition: Key{"name", String}, Expires: "expires"},
		{ID: "Checkpoints", Suffix: "checkpoints", Partition: Key{"row", String}},
		{ID: "Deadlines", Suffix: "deadlines", Partition: Key{"shard", String}, Sort: &Key{"due", String}},
		{ID: "Sandbox", Suffix: "sandbox", Partition: Key{"payment", String}},
		{ID: "Keys", Suffix: "keys", Partition: Key{"id", String}, Recovery: erasedAfter, Wrapped: true},
	}
}

// Buckets lists every bucket for what the application keeps.
func Buckets() []Bucket { return []Bucket{{ID: "Files", Suffix: "files", Queue: "Uploads"}} }

// sweeps is for functions that look at objects and remove them. Without ListBucket, S3 does not
// tell that there is no such object.
var sweeps = []ObjectGrant{{"Files", []string{"ListBucket", "ListBucketVersions", "GetObjectVersion", "DeleteObjectVersion"}}}

// Functions lists every function.
func Functions() []Function {
	all := []Function{
		{Name: "query", Memory: 256, Timeout: 10 * time.Second, KMS: []string{"Decrypt"}, Signing: []string{"GetPublicKey"}, Grants: []Grant{
			{"Keys", []string{"GetItem"}},
			{"Events", []string{"Query", "Scan"}},
			{"Snapshots", []string{"GetItem"}},
			{"Views", []string{"GetItem", "BatchGetItem", "Query"}},
			{"Stats", []string{"Query"}},
			{"Parked", []string{"Scan"}},
		}, Objects: []ObjectGrant{{"Files", []string{"GetObjectVersion"}}}},
		{Name: "command-operator", Memory: 256, Timeout: 25 * time.Second, KMS: []string{"Decrypt", "GenerateDataKey"}, Sends: []string{"Rebuild"}, Mails: true, Pays: true, Objects: sweeps, Grants: []Grant{
			{"Events", []string{"Query", "PutItem"}},
			{"Views", []string{"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"}},
			{"Parked", []string{"Scan", "UpdateItem", "DeleteItem"}},
			{"Keys", []string{"GetItem", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
			{"Checkpoints", []string{"GetItem", "PutItem"}},
			{"Deadlines", []string{"GetItem", "PutItem", "DeleteItem"}},
			{"Sandbox", []string{"GetItem", "PutItem"}},
		}},
		{Name: Authorizer, Memory: 256, Timeout: 5 * time.Second, Signing: []string{"GetPublicKey"}},
		{Name: "projector", Memory: 256, Timeout: 60 * time.Second, KMS: []string{"Decrypt"}, Grants: []Grant{
			{"Keys", []string{"GetItem"}},
			{"Events", []string{"Query"}},
			{"Snapshots", []string{"GetItem", "PutItem"}},
			{"Views", []string{"GetItem", "PutItem", "UpdateItem"}},
			{"Parked", []string{"UpdateItem", "DeleteItem"}},
		}},
		{Name: "rebuild", Memory: 1024, Timeout: 5 * time.Minute, KMS: []string{"Decrypt"}, Sends: []string{"Rebuild"}, Grants: []Grant{
			{"Keys", []string{"GetItem"}},
			{"Events", []string{"DescribeTable", "Query", "Scan", "PutItem"}},
			{"Views", []string{"GetItem", "BatchGetItem", "Scan", "PutItem", "PartiQLInsert", "UpdateItem", "BatchWriteItem"}},
			{"Parked", []string{"Scan", "UpdateItem", "DeleteItem"}},
		}},
		{Name: "reactor", Memory: 256, Timeout: 60 * time.Second, KMS: []string{"Decrypt", "GenerateDataKey"}, Mails: true, Pays: true, Grants: []Grant{
			{"Keys", []string{"GetItem", "PutItem"}},
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
			{"Checkpoints", []string{"GetItem", "PutItem"}},
			{"Views", []string{"GetItem", "BatchGetItem", "Query"}},
			{"Deadlines", []string{"PutItem"}},
			{"Parked", []string{"UpdateItem", "DeleteItem"}},
			{"Sandbox", []string{"GetItem", "PutItem"}},
		}, Objects: sweeps},
		{Name: "clock", Memory: 256, Timeout: 50 * time.Second, KMS: []string{"Decrypt", "GenerateDataKey"}, Mails: true, Pays: true, Grants: []Grant{
			{"Keys", []string{"GetItem", "PutItem"}},
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
			{"Views", []string{"GetItem", "BatchGetItem", "Query"}},
			{"Deadlines", []string{"Query", "PutItem", "DeleteItem"}},
			{"Parked", []string{"Scan", "UpdateItem"}},
			{"Sandbox", []string{"GetItem", "PutItem"}},
		}, Objects: sweeps},
		{Name: "uploads", Memory: 256, Timeout: 30 * time.Second, KMS: []string{"Decrypt"}, Grants: []Grant{
			{"Keys", []string{"GetItem"}},
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
		}, Objects: sweeps},
		{Name: "feedback", Memory: 256, Timeout: 30 * time.Second, KMS: []string{"Decrypt"}, Grants: []Grant{
			{"Keys", []string{"GetItem"}},
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
		}},
		{Name: Bootstrap, Memory: 256, Timeout: 30 * time.Second, KMS: []string{"Decrypt", "GenerateDataKey"}, Grants: []Grant{
			{"Keys", []string{"GetItem", "PutItem"}},
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
		}},
	}
	for _, m := range modules() {
		all = append(all, Function{Name: "command-" + m.name, Memory: 512, Timeout: 10 * time.Second, KMS: []string{"Decrypt", "GenerateDataKey"}, Grants: []Grant{
			{"Events", []string{"Query", "PutItem"}},
			{"Snapshots", []string{"GetItem"}},
			{"Keys", []string{"GetItem", "PutItem"}},
		}})
	}
	for i := range all {
		if all[i].Name == "command-auth" {
			all[i].Signing = []string{"Sign", "GetPublicKey"}
			all[i].Grants = append(all[i].Grants, Grant{"Tries", []string{"GetItem", "UpdateItem"}})
		}
		if all[i].Name == "command-payment" {
			all[i].Pays = true
		}
		if all[i].Name == "command-file" {
			all[i].Objects = []ObjectGrant{{"Files", []string{"PutObject"}}} // by those who have a form
			all[i].Grants = append(all[i].Grants, Grant{"Tries", []string{"UpdateItem"}})
		}
		all[i].Grants = append(all[i].Grants, Grant{"Stats", []string{"UpdateItem"}})
	}
	return all
}

// Queues lists every queue. What fails for a day is put aside.
func Queues() []Queue {
	return []Queue{{
		ID: "Rebuild", Suffix: "rebuild", Function: "rebuild", Visibility: 6 * time.Minute, Receives: 240, Parallel: 10,
	}, {
		ID: "Uploads", Suffix: "uploads", Function: "uploads", Visibility: 3 * time.Minute, Receives: 480, Parallel: 20,
	}}
}

// EventSources lists every consumer of the event table's stream; a shard allows two.
func EventSources() []EventSource {
	return []EventSource{{
		Function: "projector", Table: "Events",
		BatchSize: 100, Window: 0, Retries: 1000, MaxAge: 24 * time.Hour, Parallel: 1,
		EventNames: []string{"INSERT"},
	}, {
		Function: "reactor", Table: "Events",
		BatchSize: 25, Window: 0, Retries: 1000, MaxAge: 24 * time.Hour, Parallel: 1,
		EventNames: []string{"INSERT"}, StreamTypes: projection.Types(Reactors()),
	}}
}

// Reactors lists the reactors of every module. Like the routes they can be described, but
// not run.
func Reactors() (all []projection.Projection) {
	for _, m := range modules() {
		all = append(all, m.Reactors()...)
	}
	return all
}

// Schedules lists what happens at fixed intervals.
func Schedules() []Schedule {
	return []Schedule{{Function: "clock", Every: time.Minute}}
}

// Rules lists which events of AWS services functions are run with.
func Rules() []Rule {
	return []Rule{{Function: "feedback", Source: "aws.ses", DetailTypes: []string{"Email Bounced", "Email Complaint Received"}}}
}

// API lists every route of the HTTP API as its module declares it. They belong to empty
// modules, so they can be described but not served.
func API() []api.Route {
	all := append(append(openapi.Routes(), api.Health()), new(operator.Module).Routes()...)
	for _, m := range modules() {
		all = append(all, m.Routes()...)
	}
	return all
}

// Routes lists every route of the HTTP API with its function, sorted by path and method.
func Routes() []Route {
	var all []Route
	add := func(commands string, routes []api.Route) {
		for _, r := range routes {
			function := "query"
			if r.Command {
				function = commands
			}
			all = append(all, Route{Method: r.Method, Path: r.Path, Function: function, Authorized: r.Access != api.Public})
		}
	}
	add("", append(openapi.Routes(), api.Health()))
	add("command-operator", new(operator.Module).Routes())
	for _, m := range modules() {
		add("command-"+m.name, m.Routes())
	}
	slices.SortFunc(all, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// module is what a module of the application tells about itself.
type module interface {
	Routes() []api.Route
	Reactors() []projection.Projection
}

type named struct {
	name string
	module
}

// modules are the modules of the application.
func modules() []named {
	return []named{
		{"auth", new(auth.Module)}, {"user", new(user.Module)}, {"file", new(file.Module)},
		{"payment", new(payment.Module)}, {"notification", new(notification.Module)},
	}
}
