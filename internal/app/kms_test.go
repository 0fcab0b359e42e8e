package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/kms"
)

func TestARequestToKMSThatIsNeverAnsweredIsTriedAgainWithinAnInvocation(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if asked.Add(1) == 1 {
			<-r.Context().Done() // until the client gives up
			return
		}
		io.WriteString(w, `{"Plaintext":"c2VjcmV0"}`)
	}))
	defer server.Close()
	s := newSystem(Config{Region: "us-east-1", Endpoint: server.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second) // less than a function behind the API has
	defer cancel()
	plain, err := (&kms.Wrapper{Client: s.kms(), KeyID: "key"}).Unwrap(ctx, "system", []byte("wrapped"))
	if err != nil || string(plain) != "secret" || asked.Load() != 2 {
		t.Errorf("%q after %d requests, error %v", plain, asked.Load(), err)
	}
}
