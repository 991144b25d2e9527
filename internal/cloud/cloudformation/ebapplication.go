package cloudformation

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// application is AWS::ElasticBeanstalk::Application; Ref is its name.
var application = kind{create: createApplication, delete: deleteApplication}

// Longest names of Elastic Beanstalk's things (API reference).
const (
	applicationNameLimit = 100
	environmentNameLimit = 40
)

func createApplication(q *request) (made, error) {
	name := q.text("ApplicationName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, applicationNameLimit)
	}
	_, err := call[elasticbeanstalk.CreateApplicationInput, elasticbeanstalk.CreateApplicationOutput](q, "elasticbeanstalk", "CreateApplication",
		&elasticbeanstalk.CreateApplicationInput{ApplicationName: &name, Description: q.optional("Description")})
	return made{physical: name}, err
}

func deleteApplication(q *request) error {
	_, err := call[elasticbeanstalk.DeleteApplicationInput, elasticbeanstalk.DeleteApplicationOutput](q, "elasticbeanstalk", "DeleteApplication",
		&elasticbeanstalk.DeleteApplicationInput{ApplicationName: &q.physical})
	return err
}

// applicationVersion is AWS::ElasticBeanstalk::ApplicationVersion; its label
// is always made up.
var applicationVersion = kind{create: createVersion, delete: deleteVersion}

func createVersion(q *request) (made, error) {
	app, err := q.required("ApplicationName")
	if err != nil {
		return made{}, err
	}
	label := strings.ToLower(physicalName(q.stack.Name, q.logical, applicationNameLimit))
	_, err = call[elasticbeanstalk.CreateApplicationVersionInput, elasticbeanstalk.CreateApplicationVersionOutput](q, "elasticbeanstalk", "CreateApplicationVersion",
		&elasticbeanstalk.CreateApplicationVersionInput{
			ApplicationName: &app, VersionLabel: &label, Description: q.optional("Description"),
			SourceBundle: &types.S3Location{S3Bucket: q.optional("SourceBundle", "S3Bucket"), S3Key: q.optional("SourceBundle", "S3Key")},
		})
	return made{physical: label}, err
}

func deleteVersion(q *request) error {
	_, err := call[elasticbeanstalk.DeleteApplicationVersionInput, elasticbeanstalk.DeleteApplicationVersionOutput](q, "elasticbeanstalk", "DeleteApplicationVersion",
		&elasticbeanstalk.DeleteApplicationVersionInput{ApplicationName: q.optional("ApplicationName"), VersionLabel: &q.physical})
	return err
}
