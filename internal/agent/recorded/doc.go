// Package recorded runs the agent on inputs for which it is recorded what
// Amazon's cfn-init 1.4 did, and says where the two differ. A folder of cases
// holds base.json, which describes the root file system that all start from,
// and cases/*.json.
//
// Each case gets a fresh root; its servers are answered inside the process.
package recorded
