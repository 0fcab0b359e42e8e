package internal

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// topLevel is everything that belongs beside the dotfiles, and built what comes and goes with the
// builds and is not kept in git.
const (
	topLevel = "functions internal infra events localstack go.mod go.sum Makefile cdk.json samconfig.toml README.md LICENSE " + built
	built    = "build cdk.out"
)

const allPowers = "clock settings chance files network"

const modules = "internal/auth internal/user internal/file internal/payment internal/notification"

// A place is a folder with one job. What the job does not need is banned, and why says why.
type place struct {
	folders string
	may     string // import: folders of this repository, prefixes of other modules' paths, or * for all of these
	powers  string // may use, by name in the list of powers
	why     string
}

// places lists every folder with Go files. A name that ends in /... stands for all folders
// below as well.
var places = []place{
	{"events", "github.com/go-json-experiment/json", "",
		"whoever reads the stored contract, in whatever year, needs nothing but JSON"},
	{"internal/es", "events", "chance",
		"the core works for every module and every store, so it knows none; chance is for the jitter of retries"},
	{"internal/trace", "", "",
		"a trace context is a few bytes, whoever carries them"},
	{"internal/metrics", "", "",
		"names and nothing else, for those who write metrics and those who watch them"},
	{"internal/metrics/metricstest", "", "",
		"it reads lines as CloudWatch does, which knows nobody"},
	{"internal/otlp", "internal/trace", "network",
		"an exporter knows its protocol, and nothing of what it tells"},
	{"internal/otlp/otlptest", "", "network",
		"a collector knows its protocol, and nobody who uses it"},
	{"internal/stats", "internal/metrics internal/trace", "",
		"counting must not need what is counted"},
	{"internal/stats/statstest", "internal/stats", "",
		"its suite judges any store, so it knows none"},
	{"internal/projection", "events internal/es internal/stats internal/trace", "chance",
		"projections work for every module and every table, so they know none; chance is for the jitter of retries"},
	{"internal/projection/projectiontest", "internal/es internal/projection", "",
		"its suites judge any store, so they know none"},
	{"internal/es/estest", "events internal/es", "",
		"its suites judge any store and any module, so they know none"},
	{"internal/api", "events internal/es internal/projection github.com/go-json-experiment/json", "",
		"routes are data, and what carries the requests is the gateway's business"},
	{"internal/operator", "events internal/es internal/projection internal/stats internal/api", "",
		"this module meets others through events as they all do; besides, it tells what was counted"},
	{modules, "events internal/es internal/projection internal/api golang.org/x/crypto golang.org/x/text", "",
		"a module meets others through events and the world through its arguments, so that it can be read, tested and moved alone"},
	{"internal/stripe", "internal/payment github.com/stripe/stripe-go", "network",
		"an adapter of one service knows that service and what it adapts it to"},
	{"internal/sandbox", "internal/es internal/payment", "network",
		"a provider of payments knows the module that asks it, and its webhooks reach out"},
	{"internal/sandbox/sandboxtest", "internal/es internal/sandbox", "",
		"its suite judges any ledger, so it knows none"},
	{"internal/password", "golang.org/x/crypto golang.org/x/text", "chance",
		"hashing knows no user; chance is for salts"},
	{"internal/password/common", "internal/password", "files",
		"what is shipped is made of one pinned module"},
	{"internal/token", "internal/es internal/api github.com/go-json-experiment/json github.com/golang-jwt/jwt/v5", "",
		"tokens say who calls, whatever the modules make of it"},
	{"internal/token/tokentest", "internal/token", "",
		"its tokens are for whoever takes tokens, so it knows nobody who does"},
	{"internal/keys", "internal/es github.com/hashicorp/golang-lru/v2", "chance files",
		"keys serve whatever is sealed or signed; chance makes them, a file keeps the local one"},
	{"internal/kms", "internal/keys github.com/aws/aws-sdk-go-v2", "network",
		"an adapter of one AWS service knows that service and what it adapts it to"},
	{"internal/kms/kmstest", "", "chance network",
		"it stands for a service; chance makes its keys"},
	{"internal/dynamo", "events internal/es internal/projection internal/stats internal/trace internal/keys internal/api github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go", "network",
		"an adapter of one AWS service knows that service and what it adapts it to"},
	{"internal/dynamo/trust", "events internal/es internal/dynamo github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go " +
		"github.com/anishathalye/porcupine pgregory.net/rapid", "",
		"its tests are about the write side, whichever module writes"},
	{"internal/gateway", "events internal/es internal/stats internal/trace internal/api github.com/aws/aws-lambda-go github.com/go-json-experiment/json", "",
		"payloads of API Gateway carry any module's routes and reach no service"},
	{"internal/stream", "events internal/es internal/stats internal/trace internal/api internal/dynamo github.com/aws/aws-lambda-go " +
		"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue", "",
		"payloads of a stream carry any module's events; a table's items are the store's to decode"},
	{"internal/queue", "internal/projection github.com/aws/aws-sdk-go-v2", "network",
		"an adapter of one AWS service knows that service and what it adapts it to"},
	{"internal/ses", "internal/notification internal/ses/feedback github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go", "network",
		"an adapter of one AWS service knows that service and what it adapts it to"},
	{"internal/comments", "", "files",
		"the source says the same whoever reads it"},
	{"internal/openapi", "internal/api", "",
		"the document is there when it is built, and knows no route but those that serve it"},
	{"internal/openapi/generate", "internal/api internal/comments internal/es internal/gateway github.com/pb33f/libopenapi github.com/santhosh-tekuri/jsonschema/v6", "files",
		"the document comes from declarations and types alone"},
	{"internal/objects", "internal/file github.com/aws/aws-sdk-go-v2", "network",
		"an adapter of one AWS service knows that service and what it adapts it to"},
	{"internal/topology", "internal/api internal/openapi internal/operator internal/projection " + modules, "",
		"the system as data must not need the system"},
	{"internal/objects/notice internal/queue/worker internal/ses/feedback", "internal/notification internal/projection github.com/aws/aws-lambda-go", "",
		"what a service tells is read without calling it, and so without its client"},
	{"internal/app/...", "events internal/... *", allPowers,
		"the wiring knows all parts, and nobody who starts it"},
	{"internal", "", "files",
		"only these tests are here, and they look at the files"},
	{"functions/...", "internal/app internal/app/s3 internal/app/ses internal/app/sqs", "",
		"a main has nothing to decide"},
	{"infra", "internal/metrics internal/topology github.com/aws/aws-cdk-go github.com/aws/constructs-go github.com/aws/jsii-runtime-go", allPowers,
		"whatever is deployed is in the topology, or localstack/ would not know it"},
	{"infra/build", "internal/topology", allPowers,
		"whatever is deployed is in the topology, or localstack/ would not know it"},
	{"localstack/...", "events internal/... localstack/... *", allPowers,
		"it runs everything, on this machine alone"},
}

// testHelper is imported by tests alone, wherever they are.
const testHelper = "internal/es/estest"

// forTests is what the test files of all places, and of some, may import as well.
var forTests = map[string]string{
	"":                          testHelper + " internal/projection internal/projection/projectiontest internal/stats internal/stats/statstest internal/metrics/metricstest localstack/dynoxide localstack/tables",
	"internal/gateway":          modules + " internal/password",
	"internal/otlp":             "internal/otlp/otlptest",
	"internal/openapi/generate": "internal/openapi internal/topology",
	"internal/payment":          "internal/sandbox internal/sandbox/sandboxtest",
	"internal/sandbox":          "internal/sandbox/sandboxtest",
	"internal/dynamo":           "internal/sandbox/sandboxtest",
	"internal/token":            "internal/keys internal/token/tokentest",
	"internal/kms":              "internal/api internal/kms/kmstest internal/token",
	"internal/topology":         "events internal/comments internal/es",
}

// A power makes code depend on more than its arguments.
type power struct {
	name string
	uses *regexp.Regexp // identifiers of the standard library, with their package's path
	why  string
}

var powers = []power{
	{"clock", regexp.MustCompile(`^time\.(Now|Since|Until)$`),
		"time comes in as an argument, so that every moment can be tested and repeated"},
	{"settings", regexp.MustCompile(`^os\.(Getenv|LookupEnv|Environ|ExpandEnv)$`),
		"settings are read once, at the start, by whoever wires the parts"},
	{"chance", regexp.MustCompile(`^crypto/rand\.(Reader|Read|Text)$|` +
		`^math/rand(/v2)?\.(Int\w*|Uint\w*|Float\w*|ExpFloat64|NormFloat64|N|Perm|Shuffle|Read|Seed)$`),
		"ids and randomness come in as arguments, so that what happened can be repeated"},
	{"files", regexp.MustCompile(`^(os|os/exec|io/ioutil)\.`),
		"what is kept is kept through the store"},
	{"network", regexp.MustCompile(`^net\.|` +
		`^net/http\.((Default)?(Client|Transport)|Get|Head|Post\w*|(New)?Request\w*|Response\w*|Handle\w*|(New|Default)?Serve\w*|Listen\w*|Error|Redirect)$`),
		"the world outside is reached through adapters"},
}

func TestEveryPlaceImportsAndUsesOnlyWhatItMay(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (filepath.Dir(path) == ".." && slices.Contains(strings.Fields(built), name) || name == "node_modules" || name == "testdata" || len(name) > 2 && name[0] == '.'):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		path, err = filepath.Rel("..", path)
		if err != nil {
			return err
		}
		source, err := parse(filepath.ToSlash(path), text)
		if err != nil {
			return err
		}
		seen++
		for _, violation := range check(source) {
			t.Error(violation)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no Go file was found")
	}
}

func TestNothingElseIsAtTheTop(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !belongsAtTop(e.Name()) {
			t.Errorf("%s does not belong beside %s", e.Name(), topLevel)
		}
	}
}
