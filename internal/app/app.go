// Package app is the wiring: it builds each Lambda function's handler from its settings.
// The functions' mains and the embedded stack start the same handlers from here.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/kms"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Config is everything a function takes from outside: settings, clock, randomness, log.
type Config struct {
	Prefix      string                  // tables are named <prefix>-<suffix>: "annals"
	Region      string                  // AWS region
	Endpoint    string                  // of DynamoDB and KMS; "" is AWS itself
	Credentials aws.CredentialsProvider // nil: some, as local endpoints take any
	KMSKey      string                  // ARN of the key that wraps the system's keys; "" means KeyFile
	KeyFile     string                  // path of a local wrapping key, made on first use; embedded stack only
	// ARNs of the keys that sign access tokens: the first one signs, all verify. None means SigningFiles.
	SigningKeys  []string
	SigningFiles []string          // paths of local signing keys, each made on first use; embedded stack only
	S3           string            // endpoint of S3; "" is AWS itself
	Queues       map[string]string // URLs of the queues by their ids in the topology
	Buckets      map[string]string // names of the buckets by their ids in the topology
	Payments     Payments
	SES          string // endpoint of SES; "" is Endpoint
	MailFrom     string // the sender of mail
	PublicURL    string // where the links in mail lead
	Now          func() time.Time
	Rand         io.Reader
	Log          *slog.Logger
	Metrics      bool           // CloudWatch reads the log, and makes metrics of its lines
	Exporter     *otlp.Exporter // of spans; nil: there are none
}

// The clients that not every function needs. Each is a package of its own below this one, and
// given to the functions that use it by their mains: what is linked in is initialised at every
// cold start, whether it is used or not.
type (
	// Objects reaches S3.
	Objects func(Config) file.Objects
	// Mailer reaches SES.
	Mailer func(Config) notification.Mailer
	// Queue reaches SQS.
	Queue func(Config) projection.Queue
)

// Build makes a function's handler: real Lambda payloads in, real Lambda payloads out.
type Build func(context.Context, Config) (*Counted, error)

// system is what functions are built from: the parts that more than one of them has.
type system struct {
	Config
	dynamodb *dynamodb.Client
}

func newSystem(c Config) system {
	if c.Credentials == nil {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})
	}
	return system{c, dynamo.NewClient(dynamo.Settings{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials})}
}

// table gives the deployed name of a table of the topology.
func (s system) table(id string) string {
	for _, t := range topology.Tables() {
		if t.ID == id {
			return t.Name(s.Prefix)
		}
	}
	panic("the topology has no table " + id)
}

// store is the event store as it is written, with everything personal sealed.
func (s system) store() *dynamo.Store {
	return &dynamo.Store{Client: s.dynamodb, Table: s.table("Events")}
}

func (s system) repository(vault es.Vault) es.Repository {
	return es.Repository{
		Store:     es.Opened{ScannableStore: s.store(), Vault: vault},
		Snapshots: &dynamo.Snapshots{Client: s.dynamodb, Table: s.table("Snapshots")},
		Vault:     vault,
	}
}

func (s system) rows() projection.Rows {
	return &dynamo.Rows{Client: s.dynamodb, Table: s.table("Views")}
}

func (s system) generations() projection.GenerationStore {
	return &dynamo.Generations{Client: s.dynamodb, Table: s.table("Views")}
}

func (s system) parked() *dynamo.Parked {
	return &dynamo.Parked{Client: s.dynamodb, Table: s.table("Parked")}
}

func (s system) views(r es.Repository) *projection.Reader {
	return &projection.Reader{Store: r.Store, Rows: s.rows(), Generations: s.generations(), Now: s.Now}
}

func (s system) stats() stats.Store {
	return &dynamo.Stats{Client: s.dynamodb, Table: s.table("Stats")}
}

func (s system) keys() keys.Table { return &dynamo.Keys{Client: s.dynamodb, Table: s.table("Keys")} }

func (s system) ring() (*keys.Ring, error) {
	switch {
	case s.KMSKey == "" && s.KeyFile == "":
		return nil, errors.New("there is neither a KMS key nor a key file to wrap the system's keys with")
	case s.KMSKey == "":
		file, err := keys.OpenFile(s.KeyFile)
		return &keys.Ring{Table: s.keys(), Wrapper: file}, err
	}
	return &keys.Ring{Table: s.keys(), Wrapper: &kms.Wrapper{Client: s.kms(), KeyID: s.KMSKey}}, nil
}

// kmsLimit is how long one try of a request to KMS may take. Lambda freezes a process with its
// connections, and one that is gone without a word when it goes on would be waited for in vain.
const kmsLimit = 2 * time.Second

func (s system) kms() *awskms.Client {
	options := awskms.Options{Region: s.Region, Credentials: s.Credentials, HTTPClient: awshttp.NewBuildableClient().WithTimeout(kmsLimit)}
	if s.Endpoint != "" {
		options.BaseEndpoint = &s.Endpoint
	}
	return awskms.New(options)
}

// signingKeys are the keys of access tokens. KMS is asked when one is used.
func (s system) signingKeys() (*token.Keys, error) {
	var all []token.Key
	for _, arn := range s.SigningKeys {
		all = append(all, &kms.SigningKey{Client: s.kms(), KeyID: arn})
	}
	if len(all) > 0 {
		return token.NewKeys(s.Now, all...), nil
	}
	for _, path := range s.SigningFiles {
		file, err := keys.OpenSigningFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, file)
	}
	if len(all) == 0 {
		return nil, errors.New("there is neither a KMS key nor a key file to sign access tokens with")
	}
	return token.NewKeys(s.Now, all...), nil
}

// vault is what personal data is sealed with, and the ring that has the key of it.
func (s system) vault() (*keys.Subjects, *keys.Ring, error) {
	ring, err := s.ring()
	if err != nil {
		return nil, nil, err
	}
	vault, err := ring.Subjects(s.Now)
	return vault, ring, err
}
