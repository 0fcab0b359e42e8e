package dynoxide

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/lockfile"
)

// ownerOf tells the test binary to start a server on a database and wait to be killed.
const ownerOf = "DYNOXIDE_TEST_OWNER_OF"

func TestMain(m *testing.M) {
	if db := os.Getenv(ownerOf); db != "" {
		s, err := Start(context.Background(), Options{DBPath: db})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.URL(), s.process.Pid())
		select {}
	}
	os.Exit(m.Run())
}

func TestAServerAnswersUntilItIsStopped(t *testing.T) {
	s := startServer(t, Options{})
	call(t, s.URL(), "ListTables", `{}`)
	s.Stop()
	s.Stop()
	if answers(s.URL()) {
		t.Error("a stopped server answers")
	}
}

func TestTablesOutliveTheServerOnlyInAFile(t *testing.T) {
	for name, db := range map[string]string{"memory": "", "file": filepath.Join(t.TempDir(), "dynamodb.db")} {
		s := startServer(t, Options{DBPath: db})
		call(t, s.URL(), "CreateTable", ordersTable)
		s.Stop()
		again := startServer(t, Options{DBPath: db})
		kept := strings.Contains(call(t, again.URL(), "ListTables", `{}`), "orders-of-test")
		if kept != (db != "") {
			t.Errorf("%s: table kept: %v", name, kept)
		}
	}
}

func TestAServerDiesWithAProcessThatIsKilledAndItsDatabaseOpensAgainAtOnce(t *testing.T) {
	db := filepath.Join(t.TempDir(), "dynamodb.db")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerOf+"="+db)
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	defer owner.Wait()
	defer owner.Process.Kill()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var url string
	var pid int
	if _, err := fmt.Sscan(line, &url, &pid); err != nil {
		t.Fatalf("the owner said %q", line)
	}
	call(t, url, "CreateTable", ordersTable)

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	again := startServer(t, Options{DBPath: db})
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) && !isZombie(pid) {
		t.Errorf("both servers have the database open (signal 0 to the first: %v)", err)
	}
	if tables := call(t, again.URL(), "ListTables", `{}`); !strings.Contains(tables, "orders-of-test") {
		t.Errorf("tables after the kill: %s", tables)
	}
}

func TestADatabaseIsForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "dynamodb.db")
	if err := os.WriteFile(db, nil, 0o644); err != nil { // as an earlier version left it
		t.Fatal(err)
	}
	call(t, startServer(t, Options{DBPath: db}).URL(), "CreateTable", ordersTable)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v, error %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestNoTwoServersOpenOneDatabase(t *testing.T) {
	db := filepath.Join(t.TempDir(), "dynamodb.db")
	first := startServer(t, Options{DBPath: db})

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{DBPath: db}); !errors.Is(err, lockfile.ErrTaken) {
		t.Errorf("a second server beside the first: %v", err)
	}
	first.Stop()
	startServer(t, Options{DBPath: db})
}

func TestAPortThatAnotherProcessTookIsToldFromOtherFailures(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	binary, err := find()
	if err != nil {
		t.Fatal(err)
	}
	_, err = start(t.Context(), binary, taken.Addr().(*net.TCPAddr).Port, nil, Options{})
	if !errors.Is(err, errPortTaken) {
		t.Errorf("error: %v", err)
	}
}

func TestDoneIsClosedWhenTheServerDiesByItself(t *testing.T) {
	s := startServer(t, Options{})
	select {
	case <-s.Done():
		t.Fatal("done before its end")
	default:
	}
	if err := s.process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Error("the end of the server was not noticed")
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	_, err := Start(t.Context(), Options{DBPath: filepath.Join(t.TempDir(), "a-folder") + "/"})
	if err == nil || !strings.Contains(err.Error(), "a-folder") {
		t.Errorf("error: %v", err)
	}
}

func TestWhatTheServerPrintsIsPassedOnLineByLine(t *testing.T) {
	var lines lineLog
	out := newOutput(&lines)
	for _, part := range []string{"Dyn", "oxide listening on http://", "127.0.0.1", ":1\nand ", "more\nthe rest"} {
		if _, err := out.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"Dynoxide listening on http://127.0.0.1:1\n", "and more\n"}; !slices.Equal(lines, want) {
		t.Errorf("passed on: %q", lines)
	}
	select {
	case <-out.listening:
	default:
		t.Error("that it listens was not noticed")
	}
}

// lineLog keeps what each call of Write was given.
type lineLog []string

func (l *lineLog) Write(p []byte) (int, error) {
	*l = append(*l, string(p))
	return len(p), nil
}

func TestAMissingBinaryIsReportedWithTheCommandThatInstallsIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if _, err := Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "npm ci --prefix localstack") {
		t.Errorf("error: %v", err)
	}
}

const ordersTable = `{"TableName":"orders-of-test","BillingMode":"PAY_PER_REQUEST",
	"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
	"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`

func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	o.Log = t.Output()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// call sends one request of the DynamoDB protocol and wants it to succeed.
func call(t *testing.T, url, operation, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", operation, resp.Status, text, err)
	}
	return string(text)
}

func answers(url string) bool {
	resp, err := http.Get(url)
	if err == nil {
		resp.Body.Close()
	}
	return err == nil
}

// isZombie reports whether a process has ended and only its entry is left, which is so for
// as long as whoever inherited it does not ask.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}
