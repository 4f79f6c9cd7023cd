// The suites of the HTTP facade on the embedded host.
using Purser.Conformance.Clients;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class AccountTests(HttpHost host) : AccountConformance(host);

[Collection(HttpTests.Name)]
public sealed class ClientTests(HttpHost host) : ClientConformance(host);

[Collection(HttpTests.Name)]
public sealed class DescriptionTests(HttpHost host) : DescriptionConformance(host);

[Collection(HttpTests.Name)]
public sealed class AnomalyTests(HttpHost host) : AnomalyConformance(host);

[Collection(HttpTests.Name)]
public sealed class BadInputTests(HttpHost host) : BadInputConformance(host);

[Collection(HttpTests.Name)]
public sealed class BatchTests(HttpHost host) : BatchConformance(host);

[Collection(HttpTests.Name)]
public sealed class ContractTests(HttpHost host) : ContractConformance(host);

[Collection(HttpTests.Name)]
public sealed class BoundaryTests(HttpHost host) : BoundaryConformance(host);

[Collection(HttpTests.Name)]
public sealed class KeyTests(HttpHost host) : KeyConformance(host);

[Collection(HttpTests.Name)]
public sealed class AuditTests(HttpHost host) : AuditConformance(host);

[Collection(HttpTests.Name)]
public sealed class CallerLimitTests(HttpHost host) : CallerLimitConformance(host);

[Collection(HttpTests.Name)]
public sealed class TenantTests(HttpHost host) : TenantConformance(host);

[Collection(HttpTests.Name)]
public sealed class CanaryTests(HttpHost host) : CanaryConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateTests(HttpHost host) : GateConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateMediaTests(HttpHost host) : GateMediaConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateCourseTests(HttpHost host) : GateCourseConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateHoldTests(HttpHost host) : GateHoldConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateClientTests(HttpHost host) : GateClientConformance(host);

[Collection(HttpTests.Name)]
public sealed class GateAbortTests(HttpHost host) : GateAbortConformance(host)
{
    protected override int Calls => 300;
}

[Collection(HttpTests.Name)]
public sealed class ToolTests(HttpHost host) : ToolConformance(host);

[Collection(HttpTests.Name)]
public sealed class WebhookTests(HttpHost host) : WebhookConformance(host);

[Collection(HttpTests.Name)]
public sealed class EventTests(HttpHost host) : EventConformance(host);

[Collection(HttpTests.Name)]
public sealed class AlertTests(HttpHost host) : AlertConformance(host);

[Collection(HttpTests.Name)]
public sealed class OtlpTests(HttpHost host) : OtlpConformance(host);

[Collection(HttpTests.Name)]
public sealed class AnnouncementTests(HttpHost host) : AnnouncementConformance(host);

[Collection(HttpTests.Name)]
public sealed class PolicyTests(HttpHost host) : PolicyConformance(host);

[Collection(HttpTests.Name)]
public sealed class PreviewTests(HttpHost host) : PreviewConformance(host);

[Collection(HttpTests.Name)]
public sealed class PriceTests(HttpHost host) : PriceConformance(host);

[Collection(HttpTests.Name)]
public sealed class CatalogueTests(HttpHost host) : CatalogueConformance(host);

[Collection(HttpTests.Name)]
public sealed class ReportTests(HttpHost host) : ReportConformance(host);

[Collection(HttpTests.Name)]
public sealed class ReservationTests(HttpHost host) : ReservationConformance(host);

[Collection(HttpTests.Name)]
public sealed class RuleTests(HttpHost host) : RuleConformance(host);

[Collection(HttpTests.Name)]
public sealed class UsageTests(HttpHost host) : UsageConformance(host);

[Collection(HttpTests.Name)]
public sealed class RawUsageTests(HttpHost host) : RawUsageConformance(host);

[Collection(HttpTests.Name)]
public sealed class AdjustmentTests(HttpHost host) : AdjustmentConformance(host);

[Collection(HttpTests.Name)]
public sealed class RoundTripTests(HttpHost host) : RoundTripConformance(host);

[Collection(HttpTests.Name)]
public sealed class PublicReportTests(HttpHost host) : PublicReportConformance(host);

[Collection(HttpTests.Name)]
public sealed class TokenTests(HttpHost host) : TokenConformance(host);

[Collection(HttpTests.Name)]
public sealed class MetricsTests(HttpHost host) : MetricsConformance(host);

public sealed class EverySuiteTests
{
    [Fact]
    public void Every_suite_of_the_facade_runs_on_the_embedded_host() =>
        Assert.Empty(HttpSuites.Missing(typeof(EverySuiteTests).Assembly, typeof(HttpHost)));
}
