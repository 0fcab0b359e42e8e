package queue

import (
	"encoding/json"
	"net/http"
	"path"
	"time"
)

const (
	maxBody  = 1 << 20 // bytes of a message
	maxDelay = 900     // seconds
)

// Server answers for queues, by their names.
type Server map[string]*Queue

type sendMessage struct {
	QueueUrl     string
	MessageBody  string
	DelaySeconds int
}

// ServeHTTP answers one request. It takes any credentials, so it is for loopback only.
func (s Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if action := r.Header.Get("X-Amz-Target"); r.Method != http.MethodPost || action != "AmazonSQS.SendMessage" {
		refuse(w, "UnsupportedOperation", "This queue knows SendMessage in the JSON protocol only.")
		return
	}
	var in sendMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 2*maxBody)).Decode(&in); err != nil {
		refuse(w, "InvalidParameterValue", "The request is no JSON object, or too large.")
		return
	}
	q, ok := s[path.Base(in.QueueUrl)]
	switch {
	case !ok:
		refuse(w, "QueueDoesNotExist", "There is no such queue.")
	case in.MessageBody == "" || len(in.MessageBody) > maxBody:
		refuse(w, "InvalidParameterValue", "A message has from 1 byte to 1 MiB.")
	case in.DelaySeconds < 0 || in.DelaySeconds > maxDelay:
		refuse(w, "InvalidParameterValue", "A message is delayed by 0 to 900 seconds.")
	default:
		id := q.Send(in.MessageBody, time.Duration(in.DelaySeconds)*time.Second)
		reply(w, http.StatusOK, map[string]string{"MessageId": id, "MD5OfMessageBody": digest(in.MessageBody)})
	}
}

func refuse(w http.ResponseWriter, code, message string) {
	reply(w, http.StatusBadRequest, map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": message})
}

func reply(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // whoever has hung up does not want it
}
