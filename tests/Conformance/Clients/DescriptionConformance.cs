// The .NET client against the description of the service: a method for each operation, a property for each member.
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Client;
using Purser.Conformance.Http;

namespace Purser.Conformance.Clients;

public abstract class DescriptionConformance(HttpFacade host)
{
    /// <summary>Documents that the client calls by a name that says more beside other types. A refusal is a decision.</summary>
    static readonly Dictionary<string, Type> renamed = new()
    {
        ["Account"] = typeof(AccountSummary), ["Accounts"] = typeof(AccountPage), ["Adaptive"] = typeof(AdaptiveSettings),
        ["AlertChannels"] = typeof(AlertChannelList), ["Alerts"] = typeof(AlertPage),
        ["Anomalies"] = typeof(AnomalyPage), ["Attempt"] = typeof(DeliveryAttempt), ["Audit"] = typeof(AuditPage),
        ["Breakdown"] = typeof(ReportRow), ["Catalogue"] = typeof(PriceCatalogue), ["Change"] = typeof(ReportChange),
        ["Changes"] = typeof(CallChanges), ["Charged"] = typeof(ChargedCost), ["Clock"] = typeof(ServiceClock),
        ["Deliveries"] = typeof(DeliveryPage), ["Efficiency"] = typeof(UsageEfficiency), ["Finding"] = typeof(VerificationFinding),
        ["Health"] = typeof(ServiceHealth), ["Held"] = typeof(HeldSum), ["Holds"] = typeof(HoldSettings), ["Home"] = typeof(ServiceInfo),
        ["Import"] = typeof(ImportResult), ["Key"] = typeof(ApiKey), ["Keys"] = typeof(ApiKeys), ["Line"] = typeof(SettlementLine),
        ["Me"] = typeof(CallerInfo), ["Multiplier"] = typeof(QuoteMultiplier), ["Negotiated"] = typeof(NegotiatedDiscount),
        ["Overrides"] = typeof(OverrideList), ["Pace"] = typeof(PaceOfPeriod), ["PaceOfMeasure"] = typeof(UsagePace), ["RateOfMeasure"] =
            typeof(ProjectedRate),
        ["TrendOfMeasure"] = typeof(UsageTrend), ["UsageRates"] = typeof(ProjectedRates), ["Pause"] = typeof(PauseRequest),
        ["Period"] = typeof(ReportPeriod), ["Previous"] = typeof(PreviousPeriod), ["Prices"] = typeof(PricePage),
        ["Rate"] = typeof(ProjectedRate), ["Rates"] = typeof(ProjectedRates), ["Rebuild"] = typeof(RebuildResult),
        ["Record"] = typeof(UsageRecord), ["Records"] = typeof(UsageRecordPage), ["Refusal"] = typeof(Decision),
        ["Reprice"] = typeof(RepriceResult), ["Series"] = typeof(SeriesPoint), ["Session"] = typeof(SessionTotals),
        ["Sessions"] = typeof(SessionPage), ["Status"] = typeof(AccountStatus), ["Summary"] = typeof(ReportSummary),
        ["System"] = typeof(ServiceSystem), ["SystemNode"] = typeof(ServiceNode),
        ["Trend"] = typeof(UsageTrend), ["Trends"] = typeof(UsageTrends), ["Unpriced"] = typeof(UnpricedSettings), ["UnpricedModels"] =
            typeof(UnpricedModelList),
        ["Void"] = typeof(VoidRequest), ["Volume"] = typeof(VolumeDiscount), ["Tenants"] = typeof(TenantPage),
            ["Webhooks"] = typeof(WebhookList),
    };

    /// <summary>Parameters that a method says by itself: formats by its answer, models without a price by a method of their own.</summary>
    static readonly HashSet<(string Operation, string Parameter)> said = [("getReport", "format"), ("listPrices", "unpriced")];

    /// <summary>Spans are sent by exporters of OpenTelemetry, which are clients of their own.</summary>
    static readonly HashSet<string> forOthers = ["receiveTraces"];

    /// <summary>
    /// A price is JSON, as in the catalogue, whatever its members; a line of an import is a record as an export writes it; what is empty
    /// needs no type.
    /// </summary>
    static readonly HashSet<string> asTheyAre = ["Price", "ImportLine", "Nothing"];

    [Fact]
    public async Task The_server_is_told_from_where_the_description_was_read_also_behind_a_proxy_that_puts_it_below_a_path()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var proxy = builder.Build();
        proxy.Urls.Add("http://127.0.0.1:0");
        proxy.MapGet("/team/purser/{**rest}", (RequestDelegate)(async http =>
        {
            using var answer = await host.Client.GetAsync(new Uri("/" + http.Request.RouteValues["rest"], UriKind.Relative));
            http.Response.StatusCode = (int)answer.StatusCode;
            await answer.Content.CopyToAsync(http.Response.Body);
        }));
        await proxy.StartAsync();
        using var client = new HttpClient();
        foreach (var at in (Uri[])[host.Client.BaseAddress!, new(proxy.Urls.First() + "/team/purser/")])
        {
            var read = new Uri(at, "openapi/v1.json");
            var server = Assert.Single(JsonDocument.Parse(await client.GetStringAsync(read)).RootElement.GetProperty("servers")
                .EnumerateArray()).GetProperty("url").GetString()!;
            Assert.Equal(at, new Uri(read, server));
            // Paths are put behind it as they are.
            var prices = new Uri(new Uri(read, server).AbsoluteUri.TrimEnd('/') + "/v1/prices");
            Assert.Contains("\"items\"", await client.GetStringAsync(prices), StringComparison.Ordinal);
            Assert.Equal("https://purser.example/team/",
                new Uri(new Uri("https://purser.example/team/openapi/v1.json"), server).AbsoluteUri);
        }
    }

    [Fact]
    public async Task Every_operation_has_a_method_with_its_parameters()
    {
        var missing = new List<string>();
        foreach (var operation in await OperationsAsync())
        {
            var id = operation.GetProperty("operationId").GetString()!;
            if (forOthers.Contains(id)) continue;
            var methods = typeof(PurserClient).GetMethods().Where(method => method.Name == Pascal(id) + "Async").ToArray();
            if (methods.Length == 0) missing.Add($"{id} has no method");
            var taken = methods.SelectMany(method => method.GetParameters())
                .SelectMany(parameter => parameter.ParameterType.GetProperties().Select(property => property.Name).Append(parameter.Name!))
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
            if (!operation.TryGetProperty("parameters", out var parameters)) continue;
            missing.AddRange(parameters.EnumerateArray()
                .Where(parameter => parameter.TryGetProperty("in", out var place) && place.GetString() == "query")
                .Select(parameter => parameter.GetProperty("name").GetString()!.Split('.')[0])
                .Where(name => !taken.Contains(name) && !said.Contains((id, name))).Select(name => $"{id} has no parameter {name}"));
        }
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Every_member_of_every_document_has_a_property()
    {
        var schemas = (await host.Get("/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas");
        var missing = new List<string>();
        foreach (var schema in schemas.EnumerateObject())
        {
            if (asTheyAre.Contains(schema.Name) || !schema.Value.TryGetProperty("properties", out var members)) continue;
            var type = renamed.GetValueOrDefault(schema.Name) ?? typeof(PurserClient).Assembly.GetType("Purser.Client." + schema.Name);
            if (type is null)
            {
                missing.Add($"{schema.Name} has no type");
                continue;
            }
            var known = type.GetProperties().Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is not
                { Condition: JsonIgnoreCondition.Always }).Select(NameOf).ToHashSet();
            missing.AddRange(members.EnumerateObject().Where(member => !known.Contains(member.Name))
                .Select(member => $"{schema.Name} ({type.Name}) has no {member.Name}"));
        }
        Assert.Empty(missing);
    }

    async Task<IReadOnlyList<JsonElement>> OperationsAsync() =>
        [.. (await host.Get("/openapi/v1.json")).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()).Select(operation => operation.Value)];

    static string NameOf(PropertyInfo property) => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name
        ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    static string Pascal(string id) => char.ToUpperInvariant(id[0]) + id[1..];
}
