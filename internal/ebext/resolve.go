package ebext

import "beanpole/internal/source"

// BeanstalkMetadata is the resource in whose metadata the option settings
// with functions stand, so that CloudFormation works them out: one of its own,
// since an option may refer to any other resource.
const BeanstalkMetadata = "AWSEBBeanstalkMetadata"

// Keys of its metadata [hm: environment metadata].
const (
	containerConfig = "_ContainerConfigFileContent"
	optionSettings  = "optionsettings"
)

// addFunctions writes the settings in force whose value is a function into the
// metadata of BeanstalkMetadata. Without any there is no such resource.
func (e *expander) addFunctions(root *source.Node) {
	options := source.NewMap(source.Pos{})
	for _, set := range e.settings.InForce() {
		v := e.expand(set.Value)
		if v.IsScalar() && v.Text == set.Value.Text {
			continue
		}
		if options.Get(set.Namespace) == nil {
			options.Set(set.Namespace, source.NewMap(set.Pos))
		}
		options.Get(set.Namespace).Set(set.Option, v)
	}
	resources := root.Get("Resources")
	if len(options.Fields) == 0 || resources.Get(BeanstalkMetadata) != nil {
		return
	}
	r := resource(ownTypes[BeanstalkMetadata], fields())
	r.Set("Metadata", fields(metadataExt, fields(containerConfig, fields(optionSettings, options))))
	resources.Set(BeanstalkMetadata, r)
}

// Resolved are the settings that stand, worked out, in the metadata of
// BeanstalkMetadata.
func Resolved(metadata *source.Node) Settings {
	var out Settings
	options := metadata.At(metadataExt, containerConfig, optionSettings)
	if options == nil {
		return nil
	}
	for _, ns := range options.Fields {
		for _, o := range ns.Value.Fields {
			if o.Value.IsScalar() && o.Value.Kind != source.Null {
				out = append(out, Setting{Namespace: ns.Key.Text, Option: o.Key.Text, Value: asText(o.Value), Level: Extension})
			}
		}
	}
	return out
}
