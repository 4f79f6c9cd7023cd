// The suites of the HTTP facade on clusters: silos in this process, and silos as processes.
using Purser.Conformance.Clients;
using Purser.Conformance.Http;

namespace Purser.Cluster.Tests.Http;

[Collection(LocalHttpTests.Name)]
public sealed class LocalAccountTests(LocalFacade host) : AccountConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalClientTests(LocalFacade host) : ClientConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalDescriptionTests(LocalFacade host) : DescriptionConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalAnomalyTests(LocalFacade host) : AnomalyConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalBadInputTests(LocalFacade host) : BadInputConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalBatchTests(LocalFacade host) : BatchConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalContractTests(LocalFacade host) : ContractConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalBoundaryTests(LocalFacade host) : BoundaryConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalKeyTests(LocalFacade host) : KeyConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalAuditTests(LocalFacade host) : AuditConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalCallerLimitTests(LocalFacade host) : CallerLimitConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalTenantTests(LocalFacade host) : TenantConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalCanaryTests(LocalFacade host) : CanaryConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalGateTests(LocalFacade host) : GateConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalGateMediaTests(LocalFacade host) : GateMediaConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalGateCourseTests(LocalFacade host) : GateCourseConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalGateHoldTests(LocalFacade host) : GateHoldConformance(host);

// What is held, and what libraries of providers take, is the same code behind every front: short runs see the one in silos of this process
// and the other at a gate by itself, beside the embedded host.
[Collection(LocalHttpTests.Name)]
[Trait("run", "long")]
public sealed class LocalGateClientTests(LocalFacade host) : GateClientConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalGateAbortTests(LocalFacade host) : GateAbortConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalToolTests(LocalFacade host) : ToolConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalWebhookTests(LocalFacade host) : WebhookConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalEventTests(LocalFacade host) : EventConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalAlertTests(LocalFacade host) : AlertConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalOtlpTests(LocalFacade host) : OtlpConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalAnnouncementTests(LocalFacade host) : AnnouncementConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalPolicyTests(LocalFacade host) : PolicyConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalPreviewTests(LocalFacade host) : PreviewConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalPriceTests(LocalFacade host) : PriceConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalCatalogueTests(LocalFacade host) : CatalogueConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalReportTests(LocalFacade host) : ReportConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalReservationTests(LocalFacade host) : ReservationConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalRuleTests(LocalFacade host) : RuleConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalUsageTests(LocalFacade host) : UsageConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalRawUsageTests(LocalFacade host) : RawUsageConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalAdjustmentTests(LocalFacade host) : AdjustmentConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalRoundTripTests(LocalFacade host) : RoundTripConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalPublicReportTests(LocalFacade host) : PublicReportConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalTokenTests(LocalFacade host) : TokenConformance(host);

[Collection(LocalHttpTests.Name)]
public sealed class LocalMetricsTests(LocalFacade host) : MetricsConformance(host);

[Collection(ClusterTellingTests.Name)]
public sealed class ClusterAlertCourseTests(ClusterTelling host) : AlertCourseConformance(host);

[Collection(ClusterTellingTests.Name)]
public sealed class ClusterStreamEdgeTests(ClusterTelling host) : StreamEdgeConformance(host);

[Collection(ClusterTellingTests.Name)]
public sealed class ClusterLapseTests(ClusterTelling host) : LapseConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAccountTests(ProcessFacade host) : AccountConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessClientTests(ProcessFacade host) : ClientConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessDescriptionTests(ProcessFacade host) : DescriptionConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAnomalyTests(ProcessFacade host) : AnomalyConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessBadInputTests(ProcessFacade host) : BadInputConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessBatchTests(ProcessFacade host) : BatchConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessContractTests(ProcessFacade host) : ContractConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessBoundaryTests(ProcessFacade host) : BoundaryConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessKeyTests(ProcessFacade host) : KeyConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAuditTests(ProcessFacade host) : AuditConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessCallerLimitTests(ProcessFacade host) : CallerLimitConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessTenantTests(ProcessFacade host) : TenantConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessCanaryTests(ProcessFacade host) : CanaryConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessGateTests(ProcessFacade host) : GateConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessGateMediaTests(ProcessFacade host) : GateMediaConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessGateCourseTests(ProcessFacade host) : GateCourseConformance(host);

[Collection(ProcessHttpTests.Name)]
[Trait("run", "long")]
public sealed class ProcessGateHoldTests(ProcessFacade host) : GateHoldConformance(host);

[Collection(ProcessHttpTests.Name)]
[Trait("run", "long")]
public sealed class ProcessGateClientTests(ProcessFacade host) : GateClientConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessGateAbortTests(ProcessFacade host) : GateAbortConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessToolTests(ProcessFacade host) : ToolConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessWebhookTests(ProcessFacade host) : WebhookConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessEventTests(ProcessFacade host) : EventConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAlertTests(ProcessFacade host) : AlertConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessOtlpTests(ProcessFacade host) : OtlpConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAnnouncementTests(ProcessFacade host) : AnnouncementConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessPolicyTests(ProcessFacade host) : PolicyConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessPreviewTests(ProcessFacade host) : PreviewConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessPriceTests(ProcessFacade host) : PriceConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessCatalogueTests(ProcessFacade host) : CatalogueConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessReportTests(ProcessFacade host) : ReportConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessReservationTests(ProcessFacade host) : ReservationConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessRuleTests(ProcessFacade host) : RuleConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessUsageTests(ProcessFacade host) : UsageConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessRawUsageTests(ProcessFacade host) : RawUsageConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessAdjustmentTests(ProcessFacade host) : AdjustmentConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessRoundTripTests(ProcessFacade host) : RoundTripConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessPublicReportTests(ProcessFacade host) : PublicReportConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessTokenTests(ProcessFacade host) : TokenConformance(host);

[Collection(ProcessHttpTests.Name)]
public sealed class ProcessMetricsTests(ProcessFacade host) : MetricsConformance(host);

public sealed class EverySuiteTests
{
    [Theory]
    [InlineData(typeof(LocalFacade))]
    [InlineData(typeof(ProcessFacade))]
    public void Every_suite_of_the_facade_runs_on_every_cluster(Type host) =>
        Assert.Empty(HttpSuites.Missing(typeof(EverySuiteTests).Assembly, host));

    [Fact]
    public void Every_suite_of_telling_runs_on_a_cluster() =>
        Assert.Empty(HttpSuites.Missing(typeof(EverySuiteTests).Assembly, typeof(ClusterTelling), typeof(TellingFacade)));
}
