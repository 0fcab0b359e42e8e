package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// mail has SES tell EventBridge what came back or was complained about. The sender's identity is
// made only if that is asked for: verifying it is done in DNS, and it may serve other systems.
func (s *system) mail() {
	if s.props.MailIdentity != "" {
		s.mailIdentity()
	}
	s.mailSet = awsses.NewCfnConfigurationSet(s.stack, jsii.String("MailSet"), &awsses.CfnConfigurationSetProps{Name: &s.props.Name})
	awsses.NewCfnConfigurationSetEventDestination(s.stack, jsii.String("MailFeedback"), &awsses.CfnConfigurationSetEventDestinationProps{
		ConfigurationSetName: s.mailSet.Ref(),
		EventDestination: &awsses.CfnConfigurationSetEventDestination_EventDestinationProperty{
			Name:               jsii.String("feedback"),
			Enabled:            jsii.Bool(true),
			MatchingEventTypes: jsii.Strings("bounce", "complaint"),
			EventBridgeDestination: &awsses.CfnConfigurationSetEventDestination_EventBridgeDestinationProperty{
				// SES takes the default bus and no other.
				EventBusArn: s.arn("events", "event-bus", "default"),
			},
		},
	})
}

// mailIdentity lets SES send from a domain once the records that it tells are in the domain's DNS.
func (s *system) mailIdentity() {
	identity := awsses.NewCfnEmailIdentity(s.stack, jsii.String("MailIdentity"), &awsses.CfnEmailIdentityProps{
		EmailIdentity: &s.props.MailIdentity,
		DkimSigningAttributes: &awsses.CfnEmailIdentity_DkimSigningAttributesProperty{
			NextSigningKeyLength: jsii.String("RSA_2048_BIT"),
		},
		// What comes back is told to a function already.
		FeedbackAttributes: &awsses.CfnEmailIdentity_FeedbackAttributesProperty{EmailForwardingEnabled: jsii.Bool(false)},
	})
	s.keep(identity)
	for i, record := range [][2]*string{
		{identity.AttrDkimDnsTokenName1(), identity.AttrDkimDnsTokenValue1()},
		{identity.AttrDkimDnsTokenName2(), identity.AttrDkimDnsTokenValue2()},
		{identity.AttrDkimDnsTokenName3(), identity.AttrDkimDnsTokenValue3()},
	} {
		s.output(fmt.Sprint("MailRecord", i+1), "Record for the DNS of the domain that mail is sent from", jsii.String(*record[0]+" CNAME "+*record[1]))
	}
}

func (s *system) arn(service, resource, name string) *string {
	return s.stack.FormatArn(&awscdk.ArnComponents{Service: &service, Resource: &resource, ResourceName: &name})
}

// mailARNs names what sending mail is allowed on: the sender's identity, which is the address or
// its domain, whichever has been verified, and the configuration set.
func (s *system) mailARNs() []*string {
	return []*string{s.arn("ses", "identity", address(s.props.MailFrom)), s.arn("ses", "identity", domainOf(s.props.MailFrom)), s.arn("ses", "configuration-set", s.props.Name)}
}

// publicURL is where the links in mail lead.
func (s *system) publicURL() *string {
	if s.props.PublicURL != "" {
		return &s.props.PublicURL
	}
	return s.apiURL()
}

// rule runs a function with the events of a service that concern this system.
func (s *system) rule(r topology.Rule) {
	fn, id := s.functions[r.Function], logicalID(r.Function)
	rule := awsevents.NewCfnRule(s.stack, jsii.String(id+"Rule"), &awsevents.CfnRuleProps{
		EventPattern: s.pattern(r),
		Targets:      []any{&awsevents.CfnRule_TargetProperty{Id: &r.Function, Arn: fn.AttrArn()}},
	})
	s.permit(id+"RulePermission", fn, "events.amazonaws.com", rule.AttrArn())
}

func (s *system) pattern(r topology.Rule) map[string]any {
	pattern := map[string]any{"source": []string{r.Source}, "detail-type": slices.Clone(r.DetailTypes)}
	if r.Source == "aws.ses" { // an account may have other systems that send mail
		pattern["detail"] = map[string]any{"mail": map[string]any{"tags": map[string]any{"ses:configuration-set": []string{s.props.Name}}}}
	}
	// A map with strings in it is more than jsii takes; JSON makes lists of anything of them.
	var plain map[string]any
	text, err := json.Marshal(pattern)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		panic(err) // strings, lists and maps of strings always marshal
	}
	return plain
}
