package report

// The part of OSCAL that is written here: assessment results and the assessment
// plan, version 1.1.3. A list that is empty is left out, for OSCAL has none.
type (
	oscalResults struct {
		Body resultsBody `json:"assessment-results"`
	}
	resultsBody struct {
		UUID       string        `json:"uuid"`
		Metadata   oscalMetadata `json:"metadata"`
		ImportAP   oscalLink     `json:"import-ap"`
		Results    []oscalResult `json:"results"`
		BackMatter oscalBack     `json:"back-matter"`
	}
	oscalPlan struct {
		Body planBody `json:"assessment-plan"`
	}
	planBody struct {
		UUID       string        `json:"uuid"`
		Metadata   oscalMetadata `json:"metadata"`
		ImportSSP  oscalLink     `json:"import-ssp"`
		Reviewed   oscalReviewed `json:"reviewed-controls"`
		Tasks      []oscalTask   `json:"tasks,omitempty"`
		BackMatter oscalBack     `json:"back-matter"`
	}
	oscalMetadata struct {
		Title        string      `json:"title"`
		LastModified string      `json:"last-modified"`
		Version      string      `json:"version"`
		OSCALVersion string      `json:"oscal-version"`
		Props        []oscalProp `json:"props,omitempty"`
	}
	oscalProp struct {
		Name      string `json:"name"`
		Namespace string `json:"ns"`
		Value     string `json:"value"`
	}
	oscalLink struct {
		Href string `json:"href"`
	}
	oscalResult struct {
		UUID         string             `json:"uuid"`
		Title        string             `json:"title"`
		Description  string             `json:"description"`
		Start        string             `json:"start"`
		End          string             `json:"end"`
		Props        []oscalProp        `json:"props,omitempty"`
		Reviewed     oscalReviewed      `json:"reviewed-controls"`
		Observations []oscalObservation `json:"observations,omitempty"`
		Risks        []oscalRisk        `json:"risks,omitempty"`
		Findings     []oscalFinding     `json:"findings,omitempty"`
	}
	oscalReviewed struct {
		Selections []oscalSelection `json:"control-selections"`
	}
	oscalSelection struct {
		Include []oscalControl `json:"include-controls"`
	}
	oscalControl struct {
		ID string `json:"control-id"`
	}
	oscalObservation struct {
		UUID        string          `json:"uuid"`
		Title       string          `json:"title"`
		Description string          `json:"description"`
		Props       []oscalProp     `json:"props,omitempty"`
		Methods     []string        `json:"methods"`
		Types       []string        `json:"types"`
		Evidence    []oscalEvidence `json:"relevant-evidence,omitempty"`
		Collected   string          `json:"collected"`
		Expires     string          `json:"expires"`
	}
	oscalEvidence struct {
		Href        string      `json:"href"`
		Description string      `json:"description"`
		Props       []oscalProp `json:"props"`
	}
	oscalRisk struct {
		UUID         string             `json:"uuid"`
		Title        string             `json:"title"`
		Description  string             `json:"description"`
		Statement    string             `json:"statement"`
		Status       string             `json:"status"`
		Remediations []oscalRemediation `json:"remediations,omitempty"`
	}
	oscalRemediation struct {
		UUID        string `json:"uuid"`
		Lifecycle   string `json:"lifecycle"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	oscalFinding struct {
		UUID         string             `json:"uuid"`
		Title        string             `json:"title"`
		Description  string             `json:"description"`
		Props        []oscalProp        `json:"props,omitempty"`
		Target       oscalTarget        `json:"target"`
		Observations []oscalObserved    `json:"related-observations,omitempty"`
		Risks        []oscalRelatedRisk `json:"related-risks,omitempty"`
	}
	oscalTarget struct {
		Type   string      `json:"type"`
		ID     string      `json:"target-id"`
		Status oscalStatus `json:"status"`
	}
	oscalStatus struct {
		State  string `json:"state"`
		Reason string `json:"reason"`
	}
	oscalObserved struct {
		UUID string `json:"observation-uuid"`
	}
	oscalRelatedRisk struct {
		UUID string `json:"risk-uuid"`
	}
	oscalTask struct {
		UUID        string `json:"uuid"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	oscalBack struct {
		Resources []oscalResource `json:"resources"`
	}
	oscalResource struct {
		UUID        string       `json:"uuid"`
		Title       string       `json:"title"`
		Description string       `json:"description,omitempty"`
		Links       []oscalRLink `json:"rlinks,omitempty"`
	}
	oscalRLink struct {
		Href      string `json:"href"`
		MediaType string `json:"media-type"`
	}
)
