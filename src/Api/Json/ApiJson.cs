// The one JSON form of everything that goes over HTTP. Strict when reading: what is not understood is refused, never ignored.
using System.Text.Json.Serialization;
using Purser.Api.Documents;

namespace Purser.Api.Json;

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    Converters =
    [
        typeof(TextConverter), typeof(WholeNumberConverter), typeof(NumberConverter), typeof(FlagConverter), typeof(TimeConverter),
        typeof(WindowNameConverter), typeof(UnitConverter), typeof(EnforcementConverter), typeof(ModeConverter),
            typeof(UnpricedRuleConverter),
        typeof(ExpiryRuleConverter), typeof(DisputedRuleConverter), typeof(PreferredCostConverter), typeof(UsageRecordingConverter),
        typeof(WeekdayConverter), typeof(ReservationStateConverter), typeof(RecordKindConverter),
        typeof(AnomalyKindConverter), typeof(AnomalyUnitConverter), typeof(SeverityConverter), typeof(TrendDirectionConverter),
        typeof(FigureConverter),
    ])]
[JsonSerializable(typeof(AccountsDocument))]
[JsonSerializable(typeof(AdjustedDocument))]
[JsonSerializable(typeof(AllReservationsDocument))]
[JsonSerializable(typeof(AnomaliesDocument))]
[JsonSerializable(typeof(OpenReservationsDocument))]
[JsonSerializable(typeof(CorrectionDocument))]
[JsonSerializable(typeof(CreditDocument))]
[JsonSerializable(typeof(VoidDocument))]
[JsonSerializable(typeof(BatchLineDocument))]
[JsonSerializable(typeof(BatchResultDocument))]
[JsonSerializable(typeof(CatalogueDocument))]
[JsonSerializable(typeof(ComparisonDocument))]
[JsonSerializable(typeof(ComparisonRequestDocument))]
[JsonSerializable(typeof(AuditDocument))]
[JsonSerializable(typeof(ErasureDocument))]
[JsonSerializable(typeof(GateRoutesDocument))]
[JsonSerializable(typeof(RemainingDocument))]
[JsonSerializable(typeof(ImportDocument))]
[JsonSerializable(typeof(ImportLineDocument))]
[JsonSerializable(typeof(SessionsDocument))]
[JsonSerializable(typeof(RecordDocument))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(DecisionDocument))]
[JsonSerializable(typeof(EstimateDocument))]
[JsonSerializable(typeof(ExchangeRatesDocument))]
[JsonSerializable(typeof(HomeDocument))]
[JsonSerializable(typeof(HealthDocument))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonObject))]
[JsonSerializable(typeof(AcknowledgeDocument))]
[JsonSerializable(typeof(AlertDocument))]
[JsonSerializable(typeof(AlertsDocument))]
[JsonSerializable(typeof(AlertRulesDocument))]
[JsonSerializable(typeof(AlertChannelDocument))]
[JsonSerializable(typeof(AlertChannelsDocument))]
[JsonSerializable(typeof(NewAlertChannelDocument))]
[JsonSerializable(typeof(AttemptDocument))]
[JsonSerializable(typeof(DeliveriesDocument))]
[JsonSerializable(typeof(NewWebhookDocument))]
[JsonSerializable(typeof(WebhookDocument))]
[JsonSerializable(typeof(WebhooksDocument))]
[JsonSerializable(typeof(KeyDocument))]
[JsonSerializable(typeof(KeysDocument))]
[JsonSerializable(typeof(MeDocument))]
[JsonSerializable(typeof(NewTenantDocument))]
[JsonSerializable(typeof(TenantDocument))]
[JsonSerializable(typeof(TenantsDocument))]
[JsonSerializable(typeof(FirstDaysListDocument))]
[JsonSerializable(typeof(NewKeyDocument))]
[JsonSerializable(typeof(RotateKeyDocument))]
[JsonSerializable(typeof(NewOverrideDocument))]
[JsonSerializable(typeof(NothingDocument))]
[JsonSerializable(typeof(OverrideDocument))]
[JsonSerializable(typeof(OverridesDocument))]
[JsonSerializable(typeof(PauseDocument))]
[JsonSerializable(typeof(PolicyDocument))]
[JsonSerializable(typeof(PolicyPreviewDocument))]
[JsonSerializable(typeof(PolicyTrialDocument))]
[JsonSerializable(typeof(ProjectionDocument))]
[JsonSerializable(typeof(PriceDocument))]
[JsonSerializable(typeof(PricesDocument))]
[JsonSerializable(typeof(ProblemDocument))]
[JsonSerializable(typeof(QuoteDocument))]
[JsonSerializable(typeof(QuoteRequestDocument))]
[JsonSerializable(typeof(QuotesDocument))]
[JsonSerializable(typeof(ConversionDocument))]
[JsonSerializable(typeof(RebuildDocument))]
[JsonSerializable(typeof(RecordsDocument))]
[JsonSerializable(typeof(RefusalDocument))]
[JsonSerializable(typeof(ReportDocument))]
[JsonSerializable(typeof(RepriceDocument))]
[JsonSerializable(typeof(RepriceRequestDocument))]
[JsonSerializable(typeof(ReservationDocument))]
[JsonSerializable(typeof(SessionDocument))]
[JsonSerializable(typeof(SettleDocument))]
[JsonSerializable(typeof(SettlementDocument))]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(TokenCountDocument))]
[JsonSerializable(typeof(TokenCountRequestDocument))]
[JsonSerializable(typeof(UnpricedModelsDocument))]
[JsonSerializable(typeof(UsageDocument))]
[JsonSerializable(typeof(UsageResultsDocument))]
[JsonSerializable(typeof(VerificationDocument))]
[JsonSerializable(typeof(ClockDocument))]
[JsonSerializable(typeof(SystemDocument))]
[JsonSerializable(typeof(AcceptClockDocument))]
public sealed partial class ApiJson : JsonSerializerContext;
