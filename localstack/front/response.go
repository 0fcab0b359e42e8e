package front

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
)

type response struct {
	status int
	header http.Header
	body   []byte
}

// refusal is an answer that API Gateway gives by itself.
func refusal(status int) response {
	return inferred(status, []byte(`{"message":"`+http.StatusText(status)+`"}`))
}

func inferred(status int, body []byte) response {
	return response{status, http.Header{"Content-Type": {"application/json"}}, body}
}

// responseOf reads what a function returned. All of it is the body of a 200 unless it is an
// object with a status code; a string then loses its quotes.
func responseOf(payload []byte) (response, error) {
	var text string
	if json.Unmarshal(payload, &text) == nil && payload[0] == '"' {
		return inferred(http.StatusOK, []byte(text)), nil
	}
	var probe struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	if json.Unmarshal(payload, &probe) != nil || probe.StatusCode == nil {
		return inferred(http.StatusOK, payload), nil
	}
	var said events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(payload, &said); err != nil {
		return response{}, err
	}
	return rendered(said)
}

func rendered(said events.APIGatewayV2HTTPResponse) (response, error) {
	if said.StatusCode < 200 || said.StatusCode > 599 {
		return response{}, fmt.Errorf("status code %d", said.StatusCode)
	}
	r := response{said.StatusCode, http.Header{}, []byte(said.Body)}
	if said.IsBase64Encoded {
		var err error
		if r.body, err = base64.StdEncoding.DecodeString(said.Body); err != nil {
			return response{}, fmt.Errorf("body: %w", err)
		}
	}
	for name, value := range said.Headers {
		r.header.Set(name, value)
	}
	for _, cookie := range said.Cookies {
		r.header.Add("Set-Cookie", cookie)
	}
	if r.header.Get("Content-Type") == "" && len(r.body) > 0 {
		r.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return r, nil
}

// write sends the response. Whether it arrives is between the server and the client.
func (r response) write(w http.ResponseWriter, requestID string) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.Header().Set("Apigw-Requestid", requestID)
	if r.status != http.StatusNoContent && r.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	w.Write(r.body)
}
