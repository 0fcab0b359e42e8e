package eventsource

import "testing"

func TestAResponseIsReadByTheRulesOfLambda(t *testing.T) {
	const success, failure = 4, 0
	for _, c := range []struct {
		rule, response string
		want           int
	}{
		{"an empty list is a complete success", `{"batchItemFailures":[]}`, success},
		{"a null list is a complete success", `{"batchItemFailures":null}`, success},
		{"an empty response is a complete success", `{}`, success},
		{"a null response is a complete success", `null`, success},
		{"no response is a complete success", ``, success},
		{"an empty string is a complete success", `""`, success},
		{"an empty array is a complete success", `[]`, success},
		{"a reported record is the checkpoint", `{"batchItemFailures":[{"itemIdentifier":"c"}]}`, 2},
		{"of several reported records the lowest is the checkpoint", `{"batchItemFailures":[{"itemIdentifier":"d"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}`, 1},
		{"an empty identifier is a complete failure", `{"batchItemFailures":[{"itemIdentifier":""}]}`, failure},
		{"a null identifier is a complete failure", `{"batchItemFailures":[{"itemIdentifier":null}]}`, failure},
		{"a bad key name is a complete failure", `{"batchItemFailures":[{"ItemIdentifier":"c"}]}`, failure},
		{"an unknown identifier is a complete failure", `{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"x"}]}`, failure},
		{"an identifier that is no string is a complete failure", `{"batchItemFailures":[{"itemIdentifier":3}]}`, failure},
		{"a list of another form is a complete failure", `{"batchItemFailures":"c"}`, failure},
		{"a response of another form is a complete failure", `"done"`, failure},
		{"a broken response is a complete failure", `{"batchItemFailures":[`, failure},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := firstFailed([]byte(c.response), named("abcd")); got != c.want {
				t.Errorf("the first failed record is %d, want %d", got, c.want)
			}
		})
	}
}
