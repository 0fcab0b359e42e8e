package internal

import (
	"fmt"
	"strings"
	"testing"
)

// The rules would prove nothing if they let a made-up offender pass.
func TestEveryBanBitesAndNamesItsReason(t *testing.T) {
	const aws = "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	for _, c := range []struct {
		file, imports, use string
		want               string // part of the violation; "": none
	}{
		{"events/a.go", "github.com/google/uuid", "", "nothing but JSON"},
		{"events/a.go", module + "/internal/es", "", "nothing but JSON"},
		{"events/a.go", "encoding/json", "json.Marshal", ""},
		{"internal/es/a.go", module + "/events", "", ""},
		{"internal/es/a.go", module + "/internal/auth", "", "every module and every store"},
		{"internal/es/a.go", module + "/internal/api", "", "every module and every store"},
		{"internal/es/a.go", aws, "", "every module and every store"},
		{"internal/es/a.go", module + "/internal/es/estest", "", "helps tests"},
		{"internal/es/a_test.go", module + "/internal/es/estest", "", ""},
		{"internal/es/estest/a.go", module + "/internal/dynamo", "", "any store and any module"},
		{"internal/api/a.go", "github.com/go-json-experiment/json/jsontext", "", ""},
		{"internal/api/a.go", "github.com/aws/aws-lambda-go/events", "", "gateway's business"},
		{"internal/api/a.go", "net/http", "http.StatusText", ""},
		{"internal/api/a.go", "net/http", "http.ListenAndServe", "through adapters"},
		{"internal/auth/a.go", module + "/internal/user", "", "meets others through events"},
		{"internal/user/a.go", module + "/internal/auth", "", "meets others through events"},
		{"internal/file/a.go", module + "/internal/dynamo", "", "the world through its arguments"},
		{"internal/payment/a.go", module + "/internal/gateway", "", "the world through its arguments"},
		{"internal/notification/a.go", aws, "", "the world through its arguments"},
		{"internal/operator/a.go", module + "/internal/auth", "", "meets others through events"},
		{"internal/auth/a_test.go", module + "/internal/user", "", "meets others through events"},
		{"internal/auth/a_test.go", module + "/internal/es/estest", "", ""},
		{"internal/auth/a_test.go", module + "/localstack/dynoxide", "", ""},
		{"internal/auth/a.go", module + "/localstack/dynoxide", "", "the world through its arguments"},
		{"internal/auth/a.go", "golang.org/x/text/unicode/norm", "", ""},
		{"internal/auth/a.go", "golang.org/x/textual", "", "the world through its arguments"},
		{"internal/auth/a.go", "time", "time.Now", "time comes in"},
		{"internal/auth/a.go", "time", "time.Since", "time comes in"},
		{"internal/auth/a.go", "time", "time.Parse", ""},
		{"internal/auth/a.go", "os", "os.Getenv", "settings are read once"},
		{"internal/auth/a.go", "os", "os.LookupEnv", "settings are read once"},
		{"internal/auth/a.go", "os", "os.WriteFile", "through the store"},
		{"internal/auth/a.go", "os/exec", "exec.Command", "through the store"},
		{"internal/auth/a.go", "net", "net.Dial", "through adapters"},
		{"internal/auth/a.go", "net/http", "http.DefaultClient", "through adapters"},
		{"internal/auth/a.go", "math/rand", "rand.Intn", "ids and randomness"},
		{"internal/auth/a.go", "math/rand/v2", "rand.N", "ids and randomness"},
		{"internal/auth/a.go", "math/rand/v2", "rand.NewPCG", ""},
		{"internal/auth/a.go", "crypto/rand", "rand.Reader", "ids and randomness"},
		{"internal/auth/a_test.go", "time", "time.Now", ""},
		{"internal/password/a.go", module + "/internal/auth", "", "knows no user"},
		{"internal/token/a.go", module + "/internal/auth", "", "whatever the modules"},
		{"internal/keys/a.go", aws, "", "sealed or signed"},
		{"internal/keys/a.go", "os", "os.Getenv", "settings are read once"},
		{"internal/kms/a.go", module + "/internal/dynamo", "", "one AWS service"},
		{"internal/dynamo/a.go", module + "/internal/auth", "", "one AWS service"},
		{"internal/dynamo/a.go", module + "/internal/gateway", "", "one AWS service"},
		{"internal/dynamo/a.go", "time", "time.Now", "time comes in"},
		{"internal/dynamo/trust/a_test.go", module + "/internal/auth", "", "whichever module"},
		{"internal/gateway/a.go", module + "/internal/auth", "", "any module's routes"},
		{"internal/gateway/a_test.go", module + "/internal/auth", "", ""},
		{"internal/gateway/a.go", aws, "", "reach no service"},
		{"internal/stream/a.go", module + "/internal/auth", "", "any module's events"},
		{"internal/stream/a.go", aws, "", "the store's to decode"},
		{"internal/topology/a.go", module + "/internal/auth", "", ""},
		{"internal/topology/a.go", module + "/internal/app", "", "must not need the system"},
		{"internal/topology/a.go", "github.com/aws/aws-cdk-go/awscdk/v2", "", "must not need the system"},
		{"internal/app/a.go", module + "/internal/auth", "", ""},
		{"internal/app/a.go", module + "/infra", "", "nobody who starts it"},
		{"internal/app/a.go", module + "/localstack/dynoxide", "", "nobody who starts it"},
		{"internal/app/a.go", module + "/internal/es/estest", "", "helps tests"},
		{"internal/app/a.go", "time", "time.Now", ""},
		{"functions/query/main.go", module + "/internal/app", "", ""},
		{"functions/query/main.go", module + "/internal/auth", "", "nothing to decide"},
		{"functions/query/main.go", "github.com/aws/aws-lambda-go/lambda", "", "nothing to decide"},
		{"infra/a.go", "github.com/aws/aws-cdk-go/awscdk/v2", "", ""},
		{"infra/a.go", module + "/internal/auth", "", "in the topology"},
		{"infra/build/a.go", module + "/internal/app", "", "in the topology"},
		{"localstack/a.go", module + "/internal/app", "", ""},
		{"localstack/deep/down/a.go", aws, "", ""},
		{"localstack/a.go", module + "/internal/es/estest", "", "helps tests"},
		{"internal/a_test.go", module + "/internal/auth", "", "only these tests"},
		{"internal/mail/a.go", "fmt", "", "internal/mail has no rule"},
		{"tools/a.go", "fmt", "", "tools has no rule"},
		{"main.go", "fmt", "", "has no rule"},
	} {
		t.Run(strings.TrimSpace(c.file+" "+c.imports+" "+c.use), func(t *testing.T) {
			text := fmt.Sprintf("package p\n\nimport %q\n", c.imports)
			if c.use != "" {
				text += "\nvar _ = " + c.use + "\n"
			}
			expect(t, c.file, text, c.want)
		})
	}
}

func TestNoSpellingOfAnImportEscapes(t *testing.T) {
	for name, text := range map[string]string{
		"another name":  `package p; import clock "time"; var _ = clock.Now()`,
		"its own value": `package p; import "time"; var now = time.Now`,
	} {
		t.Run(name, func(t *testing.T) { expect(t, "internal/auth/a.go", text, "uses time.Now") })
	}
	t.Run("no name", func(t *testing.T) {
		expect(t, "internal/auth/a.go", `package p; import . "time"; var _ = Now()`, "where it is from")
	})
	t.Run("for its effects", func(t *testing.T) {
		expect(t, "internal/auth/a.go", `package p; import _ "`+module+`/internal/user"`, "meets others")
	})
	t.Run("for another system", func(t *testing.T) {
		expect(t, "internal/auth/a_windows.go", `package p; import _ "`+module+`/internal/user"`, "meets others")
	})
	t.Run("a variable is no import", func(t *testing.T) {
		expect(t, "internal/auth/a.go", `package p; import "time"; func f(time struct{ Now int }) int { return time.Now }; var _ time.Time`, "")
	})
}

func expect(t *testing.T, file, text, want string) {
	t.Helper()
	s, err := parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	violations := check(s)
	switch {
	case want == "" && len(violations) > 0:
		t.Errorf("not allowed: %v", violations)
	case want != "" && !strings.Contains(strings.Join(violations, "\n"), want):
		t.Errorf("got %v, want a violation with %q", violations, want)
	}
}

func TestStraysAtTheTopAreFound(t *testing.T) {
	for _, name := range []string{"Makefile", "LICENSE", ".ci", ".gitignore", "functions", "go.sum"} {
		if !belongsAtTop(name) {
			t.Errorf("%s is refused", name)
		}
	}
	for _, name := range []string{"pkg", "cmd", "main.go", "docs", "package.json", "function", "CHANGELOG.md"} {
		if belongsAtTop(name) {
			t.Errorf("%s passes", name)
		}
	}
}
