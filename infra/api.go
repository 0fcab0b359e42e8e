package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// accessLogFormat has the route instead of the path and neither address nor token: erasing a
// person has to be able to end at the tables.
const accessLogFormat = `{"requestId":"$context.requestId","time":"$context.requestTime","route":"$context.routeKey",` +
	`"status":"$context.status","bytes":"$context.responseLength","ms":"$context.responseLatency",` +
	`"authorizerError":"$context.authorizer.error","integrationError":"$context.integrationErrorMessage"}`

func (s *system) httpAPI() awsapigatewayv2.CfnApi {
	return awsapigatewayv2.NewCfnApi(s.stack, jsii.String("Api"), &awsapigatewayv2.CfnApiProps{
		Name:         &s.props.Name,
		ProtocolType: jsii.String("HTTP"),
		// One way in is enough to watch.
		DisableExecuteApiEndpoint: jsii.Bool(s.props.Domain != ""),
	})
}

// apiURL is where the API answers.
func (s *system) apiURL() *string {
	if s.props.Domain != "" {
		return jsii.String("https://" + s.props.Domain)
	}
	return s.http.AttrApiEndpoint()
}

// domain lets the API answer at a name of the deployment's own, to which its owner makes DNS point.
func (s *system) domain(stage awsapigatewayv2.CfnStage) {
	domain := awsapigatewayv2.NewCfnDomainName(s.stack, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: &s.props.Domain,
		DomainNameConfigurations: []any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: &s.props.Certificate, EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	awsapigatewayv2.NewCfnApiMapping(s.stack, jsii.String("DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: s.http.Ref(), DomainName: domain.Ref(), Stage: stage.Ref(),
	})
	s.output("DomainTarget", "What a CNAME or alias record of "+s.props.Domain+" has to point at", domain.AttrRegionalDomainName())
	s.output("DomainZone", "The hosted zone of that, for an alias record of Route 53", domain.AttrRegionalHostedZoneId())
}

// api is the only way in. What no route matches goes to a function as well, because the
// contract's problem documents are not something API Gateway can write.
func (s *system) api() {
	api := s.http
	stage := awsapigatewayv2.NewCfnStage(s.stack, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      api.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			// The prefix keeps the group out of the account's log policy, whose size is limited.
			DestinationArn: s.logGroup("AccessLog", "/aws/vendedlogs/"+s.props.Name+"-api").AttrArn(),
			Format:         jsii.String(accessLogFormat),
		},
		// What is over this is refused by API Gateway itself, before it costs anything.
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit: jsii.Number(s.props.Throttle), ThrottlingBurstLimit: jsii.Number(s.props.Throttle),
		},
	})
	if s.props.Domain != "" {
		s.domain(stage)
	}
	authorizer := s.authorizer(api)

	targets := map[string]*string{} // one integration serves all routes of a function
	route := func(id, key, function string, authorized bool) {
		if targets[function] == nil {
			targets[function] = s.integration(api, function)
		}
		props := &awsapigatewayv2.CfnRouteProps{
			ApiId:             api.Ref(),
			RouteKey:          &key,
			Target:            targets[function],
			AuthorizationType: jsii.String("NONE"),
		}
		if authorized {
			props.AuthorizationType, props.AuthorizerId = jsii.String("CUSTOM"), authorizer.Ref()
		}
		awsapigatewayv2.NewCfnRoute(s.stack, &id, props)
	}
	for _, r := range topology.Routes() {
		route("Route "+r.Key(), r.Key(), r.Function, r.Authorized)
	}
	route("DefaultRoute", "$default", topology.DefaultRoute, false)

	s.output("ApiUrl", "Where the API answers", s.apiURL())
}

// integration lets the whole API call the function, not route by route: a function's
// resource policy holds 20 KB, which a permission for each route would outgrow.
func (s *system) integration(api awsapigatewayv2.CfnApi, function string) *string {
	fn, id := s.functions[function], logicalID(function)
	integration := awsapigatewayv2.NewCfnIntegration(s.stack, jsii.String(id+"Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:                api.Ref(),
		IntegrationType:      jsii.String("AWS_PROXY"),
		IntegrationUri:       fn.AttrArn(),
		PayloadFormatVersion: jsii.String("2.0"),
	})
	s.permit(id+"Permission", fn, "apigateway.amazonaws.com", s.partOf(api, "*"))
	return jsii.String("integrations/" + *integration.Ref())
}

// authorizer has no identity source and therefore no cache: with either, API Gateway itself
// answers requests without a token, and not with the contract's problem document. The empty
// list says so aloud, because some emulators take a missing one for the Authorization header.
func (s *system) authorizer(api awsapigatewayv2.CfnApi) awsapigatewayv2.CfnAuthorizer {
	fn := s.functions[topology.Authorizer]
	authorizer := awsapigatewayv2.NewCfnAuthorizer(s.stack, jsii.String("Authorizer"), &awsapigatewayv2.CfnAuthorizerProps{
		ApiId:                          api.Ref(),
		Name:                           jsii.String(topology.Authorizer),
		AuthorizerType:                 jsii.String("REQUEST"),
		AuthorizerPayloadFormatVersion: jsii.String("2.0"),
		EnableSimpleResponses:          jsii.Bool(true),
		AuthorizerResultTtlInSeconds:   jsii.Number(0),
		IdentitySource:                 &[]*string{},
		AuthorizerUri: s.stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("apigateway"), Account: jsii.String("lambda"),
			Resource: jsii.String("path/2015-03-31/functions"), ResourceName: jsii.String(*fn.AttrArn() + "/invocations"),
		}),
	})
	s.permit("AuthorizerPermission", fn, "apigateway.amazonaws.com", s.partOf(api, "authorizers/"+*authorizer.Ref()))
	return authorizer
}

// partOf names the API, so that no other API of any account can call the function.
func (s *system) partOf(api awsapigatewayv2.CfnApi, part string) *string {
	return s.stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("execute-api"), Resource: api.Ref(), ResourceName: &part,
	})
}

// permit lets one source of a service invoke a function.
func (s *system) permit(id string, fn awslambda.CfnFunction, service string, source *string) {
	awslambda.NewCfnPermission(s.stack, &id, &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		Principal:    &service,
		FunctionName: fn.Ref(),
		SourceArn:    source,
	})
}
