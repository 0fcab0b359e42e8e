package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func routesAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	type facts struct{ Function, Authorization, Authorizer string }
	got, want := map[string]facts{}, map[string]facts{}
	targets := map[string]string{} // function ARN by route target
	for _, r := range standard.all("AWS::ApiGatewayV2::Integration") {
		targets["integrations/"+r.ref()] = r.at("IntegrationUri")
		r.expect(t, "AWS_PROXY", "IntegrationType")
		r.expect(t, "2.0", "PayloadFormatVersion")
	}
	for _, r := range standard.all("AWS::ApiGatewayV2::Route") {
		put(t, got, r.at("RouteKey"), facts{targets[r.at("Target")], r.at("AuthorizationType"), r.at("AuthorizerId")})
	}
	for _, r := range append(topology.Routes(), topology.Route{Method: "$default", Function: topology.DefaultRoute}) {
		f := facts{standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+r.Function).arn(), "NONE", ""}
		if r.Authorized {
			f.Authorization, f.Authorizer = "CUSTOM", standard.only(t, "AWS::ApiGatewayV2::Authorizer").ref()
		}
		want[strings.TrimSpace(r.Key())] = f
	}
	same(t, "route", got, want)
}

func authorizerIsAskedAboutEveryRequest(t testing.TB, standard template) {
	for _, kind := range []string{"Authorizer", "Integration", "Route", "Stage"} {
		for _, part := range standard.all("AWS::ApiGatewayV2::" + kind) {
			part.expect(t, standard.only(t, "AWS::ApiGatewayV2::Api").ref(), "ApiId")
		}
	}
	r := standard.only(t, "AWS::ApiGatewayV2::Authorizer")
	fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+topology.Authorizer)
	r.expect(t, topology.Authorizer, "Name")
	r.expect(t, "0", "AuthorizerResultTtlInSeconds")
	r.expect(t, "[]", "IdentitySource") // with one, API Gateway refuses requests without it by itself
	r.expect(t, "REQUEST", "AuthorizerType")
	r.expect(t, "2.0", "AuthorizerPayloadFormatVersion")
	r.expect(t, "true", "EnableSimpleResponses")
	r.expect(t, "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+fn.arn()+"/invocations", "AuthorizerUri")
}

func onlyThisApiAndTheRulesMayInvokeTheirFunctions(t testing.TB, standard template) {
	api := "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:" + standard.only(t, "AWS::ApiGatewayV2::Api").ref()
	got, want := map[string]string{}, map[string]string{}
	for _, r := range standard.all("AWS::Lambda::Permission") {
		put(t, got, r.at("FunctionName"), r.at("Principal")+" "+r.at("Action")+" "+r.at("SourceArn"))
	}
	invoke := func(function, part string) {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+function)
		want[fn.ref()] = "apigateway.amazonaws.com lambda:InvokeFunction " + api + part
	}
	invoke(topology.DefaultRoute, "/*")
	for _, r := range topology.Routes() {
		invoke(r.Function, "/*")
	}
	invoke(topology.Authorizer, "/authorizers/"+standard.only(t, "AWS::ApiGatewayV2::Authorizer").ref())
	for _, s := range topology.Schedules() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+s.Function)
		want[fn.ref()] = "events.amazonaws.com lambda:InvokeFunction " + ruleOf(t, standard, fn).arn()
	}
	for _, r := range topology.Rules() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+r.Function)
		want[fn.ref()] = "events.amazonaws.com lambda:InvokeFunction " + ruleOf(t, standard, fn).arn()
	}
	same(t, "permission to invoke", got, want)
}

func apiIsDeployedAtOnceLogsAccessAndSaysWhereItIs(t testing.TB, standard template) {
	api, stage := standard.only(t, "AWS::ApiGatewayV2::Api"), standard.only(t, "AWS::ApiGatewayV2::Stage")
	api.expect(t, "{DisableExecuteApiEndpoint=false Name=annals ProtocolType=HTTP}")
	stage.expect(t, api.ref(), "ApiId")
	stage.expect(t, "{ThrottlingBurstLimit=1000 ThrottlingRateLimit=1000}", "DefaultRouteSettings")
	stage.expect(t, "$default", "StageName")
	stage.expect(t, "true", "AutoDeploy")
	log := standard.named(t, "AWS::Logs::LogGroup", "LogGroupName", "/aws/vendedlogs/annals-api")
	stage.expect(t, log.arn(), "AccessLogSettings", "DestinationArn")
	var format map[string]string
	if err := json.Unmarshal([]byte(stage.at("AccessLogSettings", "Format")), &format); err != nil {
		t.Errorf("access log lines are not JSON: %v", err)
	}
}
