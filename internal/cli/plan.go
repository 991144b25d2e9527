package cli

import (
	"os"

	"beanpole/internal/account/terraform"
)

// readPlan reads the Terraform plan, if one is given.
func (p *prediction) readPlan() (err error) {
	if p.planFile == "" {
		return nil
	}
	data, err := os.ReadFile(p.planFile)
	if err != nil {
		return usageError("cannot read the Terraform plan: %v", err)
	}
	p.planned, err = terraform.Parse(p.planFile, data)
	return err
}
