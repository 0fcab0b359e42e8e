package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A rule holds for a template or reports why not. The rules are run over the stack as it is
// deployed, and over it with one thing at a time changed, which one of them has to notice.
type rule struct {
	name  string
	holds func(testing.TB, template)
}

// ours hold for the stack with its settings at their defaults, everywhere for any stack.
var (
	ours = []rule{
		{"routes are exactly those of the topology", routesAreExactlyThoseOfTheTopology},
		{"the authorizer is asked about every request", authorizerIsAskedAboutEveryRequest},
		{"only this API and the rules may invoke their functions", onlyThisApiAndTheRulesMayInvokeTheirFunctions},
		{"the API is deployed at once, throttled, logs access and says where it is", apiIsDeployedAtOnceLogsAccessAndSaysWhereItIs},
		{"buckets are private, encrypted, versioned and retained", bucketsArePrivateEncryptedVersionedAndRetained},
		{"buckets tell their queues and nobody else does", bucketsTellTheirQueuesAndNobodyElseDoes},
		{"functions are exactly those of the topology", functionsAreExactlyThoseOfTheTopology},
		{"every function has its own role", everyFunctionHasItsOwnRole},
		{"permissions are exactly the grants of the topology", permissionsAreExactlyTheGrantsOfTheTopology},
		{"no policy allows to update or delete an event", noPolicyAllowsToUpdateOrDeleteAnEvent},
		{"only the key functions use the key table and the key", onlyTheKeyFunctionsUseTheKeyTableAndTheKey},
		{"the key's policy names who uses it", theKeysPolicyNamesWhoUsesIt},
		{"every function logs to its own group for two weeks", everyFunctionLogsToItsOwnGroupForTwoWeeks},
		{"event sources are exactly those of the topology", eventSourcesAreExactlyThoseOfTheTopology},
		{"queues are exactly those of the topology", queuesAreExactlyThoseOfTheTopology},
		{"schedules and rules are exactly those of the topology", schedulesAndRulesAreExactlyThoseOfTheTopology},
		{"failed records are kept privately for ninety days", failedRecordsAreKeptPrivatelyForNinetyDays},
		{"tables are exactly those of the topology", tablesAreExactlyThoseOfTheTopology},
		{"tables are on demand, protected and retained", tablesAreOnDemandProtectedAndRetained},
		{"backups forget persons a week after everything else does", backupsForgetPersonsInAWeek},
		{"the key table alone is encrypted with the wrapping key", keyTableIsEncryptedWithTheWrappingKey},
		{"the wrapping key rotates and is retained", wrappingKeyRotatesAndIsRetained},
		{"signing keys sign on the curve P-256 and are retained", signingKeysSignOnTheCurveP256AndAreRetained},
		{"of mail is told what came back or was complained about", ofMailWhatCameBackOrWasComplainedAboutIsTold},
		{"alarms are for everything that can go wrong", alarmsAreForEverythingThatCanGoWrong},
		{"the dashboard answers three questions", theDashboardAnswersThreeQuestions},
		{"outputs are what a person needs", outputsAreWhatAPersonNeeds},
		{"nothing else is deployed", nothingElseIsDeployed},
	}
	everywhere = []rule{
		{"no statement allows a wildcard", noStatementAllowsAWildcard},
		{"policies are whole", policiesAreWhole},
		{"nobody gets anywhere without TLS", nobodyGetsAnywhereWithoutTLS},
		{"everything is encrypted at rest", everythingIsEncryptedAtRest},
		{"no bucket is public", noBucketIsPublic},
		{"no variable holds a secret", noVariableHoldsASecret},
		{"logs are not kept for ever", logsAreNotKeptForEver},
		{"alarms say what to do", alarmsSayWhatToDo},
		{"queries are in the words of Metrics Insights", queriesAreInTheWordsOfMetricsInsights},
	}
)

func TestRules(t *testing.T) {
	for _, r := range slices.Concat(ours, everywhere) {
		t.Run(r.name, func(t *testing.T) { r.holds(t, deployed) })
	}
	for _, r := range everywhere {
		t.Run(r.name+", with other settings", func(t *testing.T) { r.holds(t, changed) })
	}
}

// unruled are properties that may change with nothing noticing, and why.
var unruled = map[string]string{
	"Description": "it is for people",
	"Metadata":    "it is for tools",
}

// Whoever deletes or changes an alarm, a permission, a setting of an event source or anything
// else of the template finds a test failing.
func TestEveryPartOfTheTemplateIsKeptByARule(t *testing.T) {
	rules := slices.Concat(ours, everywhere)
	noticed := func(of template) bool {
		i := slices.IndexFunc(rules, func(r rule) bool { return violated(t, r, of) })
		if i > 0 { // most likely it is this one that notices the next change as well
			again := rules[i]
			rules = slices.Insert(slices.Delete(rules, i, i+1), 0, again)
		}
		return i >= 0
	}
	if noticed(deployed) {
		t.Fatal("a rule is broken already")
	}
	tried, survivors := 0, 0
	try := func(id, what string, change func(template)) {
		mutant := template{maps.Clone(deployed.Resources), deployed.Outputs}
		mutant.Resources[id] = deployed.Resources[id].clone(t)
		change(mutant)
		tried++
		if !noticed(mutant) {
			survivors++
			t.Errorf("no rule notices %s of %s (%s)", what, id, deployed.Resources[id].Type)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(deployed.Resources)) {
		try(id, "the loss", func(m template) { delete(m.Resources, id) })
		for _, path := range paths(deployed.Resources[id].Properties) {
			if unruled[path[0]] != "" {
				continue
			}
			try(id, "the loss of "+strings.Join(path, "."), func(m template) { edit(m.Resources[id].Properties, path, nil) })
			try(id, "another "+strings.Join(path, "."), func(m template) { edit(m.Resources[id].Properties, path, other) })
		}
		for _, d := range deployed.Resources[id].DependsOn {
			try(id, "no waiting for "+d, func(m template) { m.Resources[id].DependsOn = nil })
		}
		if deployed.Resources[id].DeletionPolicy != "" {
			try(id, "another end", func(m template) { m.Resources[id].DeletionPolicy = "Other" })
			try(id, "another replacement", func(m template) { m.Resources[id].UpdateReplacePolicy = "Other" })
		}
	}
	t.Logf("%d changes to %d resources, %d of them unnoticed", tried, len(deployed.Resources), survivors)
}

// clone shares nothing with the resource.
func (r *resource) clone(tb testing.TB) *resource {
	tb.Helper()
	body, err := json.Marshal(r)
	out := &resource{id: r.id}
	if err == nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// violated reports whether a template breaks a rule.
func violated(t *testing.T, r rule, of template) (broken bool) {
	judge := &judge{TB: t}
	defer func() {
		p := recover()
		_, malformed := p.(*runtime.TypeAssertionError)
		if broken = broken || p == enough || malformed; p != nil && !broken {
			panic(p)
		}
	}()
	r.holds(judge, of)
	return judge.broken
}

// A judge takes note of failures instead of failing a test.
type judge struct {
	testing.TB
	broken bool
}

// enough ends a rule that has seen enough.
const enough = "enough"

func (j *judge) Helper()               {}
func (j *judge) Errorf(string, ...any) { j.broken = true }
func (j *judge) Error(...any)          { j.broken = true }
func (j *judge) Fatalf(string, ...any) { panic(enough) }
func (j *judge) Fatal(...any)          { panic(enough) }

// paths lists the places in a value that can be lost or be another: members of maps and lists,
// up to what CloudFormation computes, which is one thing.
func paths(v any) (all [][]string) {
	add := func(name string, member any) {
		all = append(all, []string{name})
		for _, rest := range paths(member) {
			all = append(all, append([]string{name}, rest...))
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if strings.HasPrefix(key, "Fn::") || key == "Ref" {
				return nil
			}
			add(key, v[key])
		}
	case []any:
		for i, member := range v {
			add(fmt.Sprint(i), member)
		}
	}
	return all
}

// edit replaces what is at a path, or removes it if there is nothing to replace it with.
func edit(v any, path []string, with func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		switch {
		case len(path) > 1:
			v[path[0]] = edit(v[path[0]], path[1:], with)
		case with == nil:
			delete(v, path[0])
		default:
			v[path[0]] = with(v[path[0]])
		}
		return v
	case []any:
		var i int
		fmt.Sscan(path[0], &i)
		switch {
		case len(path) > 1:
			v[i] = edit(v[i], path[1:], with)
		case with == nil:
			return slices.Delete(v, i, i+1)
		default:
			v[i] = with(v[i])
		}
		return v
	}
	return v
}

// other is something of the same kind.
func other(v any) any {
	switch v := v.(type) {
	case string:
		return v + "x"
	case float64:
		return v + 1
	case bool:
		return !v
	case []any:
		return append(slices.Clone(v), "x")
	}
	return map[string]any{"Other": "x"}
}
