// The .NET client against the description of the service: a method for each operation, a property for each member.
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
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
            if (TypeOf(schema.Name) is not { } type)
            {
                missing.Add($"{schema.Name} has no type");
                continue;
            }
            var known = MembersOf(type).ToHashSet();
            missing.AddRange(members.EnumerateObject().Where(member => !known.Contains(member.Name))
                .Select(member => $"{schema.Name} ({type.Name}) has no {member.Name}"));
        }
        Assert.Empty(missing);
    }

    // The service refuses members that it does not know: one that the client alone has would turn every such call into 400.
    [Fact]
    public async Task Every_property_of_every_document_is_a_member_that_the_service_knows()
    {
        var schemas = (await host.Get("/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas");
        var described = new Dictionary<Type, HashSet<string>>();
        foreach (var schema in schemas.EnumerateObject())
            if (TypeOf(schema.Name) is { } type && schema.Value.TryGetProperty("properties", out var members))
                (described.TryGetValue(type, out var known) ? known : described[type] = [])
                    .UnionWith(members.EnumerateObject().Select(member => member.Name));
        var unknown = from one in described
                      from name in MembersOf(one.Key)
                      where !one.Value.Contains(name)
                      select $"{one.Key.Name}.{name}";
        Assert.Equal("", string.Join('\n', unknown));
    }

    // Read and written again by the client, a document is what it was: no member, word or digit is lost, none is added, and what is
    // written is as the description says.
    [Fact]
    public async Task Every_document_is_read_and_written_as_it_is_described()
    {
        var api = new DescribedApi(await host.Client.GetStringAsync("/openapi/v1.json"));
        var schemas = api.Document["components"]!["schemas"]!.AsObject();
        var wrong = new List<string>();
        foreach (var (name, node) in schemas)
        {
            var schema = node!.AsObject();
            if (asTheyAre.Contains(name) || schema["properties"] is null || TypeOf(name) is not { } type) continue;
            for (var variant = 0; variant < SampleDocument.Variants; variant++)
            {
                var sample = JsonNode.Parse(new SampleDocument(schemas, variant).Of(schema, name)!.ToJsonString());
                if (api.Wrong(schema, sample!.ToJsonString()) is { } bad) wrong.Add($"the sample of {name}: {bad}");
                JsonNode? written;
                try
                {
                    written = JsonSerializer.SerializeToNode(JsonSerializer.Deserialize(sample, type, PurserJson.Default), type,
                        PurserJson.Default);
                }
                catch (JsonException fault)
                {
                    wrong.Add($"{name} ({variant}) can not be read: {fault.Message}");
                    break;
                }
                var differences = Differences(sample, written, name).ToArray();
                if (differences.Length > 0)
                {
                    wrong.AddRange(differences);
                    break;
                }
                if (api.Wrong(schema, written!.ToJsonString()) is { } odd) wrong.Add($"{name} as the client writes it: {odd}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static IEnumerable<string> Differences(JsonNode? sample, JsonNode? written, string path)
    {
        switch (sample, written)
        {
            case (JsonObject before, JsonObject after):
                return before.Select(member => member.Key).Union(after.Select(member => member.Key))
                    .SelectMany(name => Differences(before[name], after[name], $"{path}.{name}"));
            case (JsonArray before, JsonArray after) when before.Count == after.Count:
                return before.Zip(after).SelectMany(pair => Differences(pair.First, pair.Second, path + "[]"));
            default:
                return JsonNode.DeepEquals(sample, written) || IsSame(sample, written) ? []
                    : [$"{path}: {sample?.ToJsonString() ?? "nothing"} became {written?.ToJsonString() ?? "nothing"}"];
        }
    }

    /// <summary>Numbers, instants and the two forms of a threshold are compared by what they mean.</summary>
    static bool IsSame(JsonNode? sample, JsonNode? written) => (sample?.GetValueKind(), written?.GetValueKind()) switch
    {
        (JsonValueKind.Object, JsonValueKind.Number) => sample!.AsObject() is { Count: 1 } threshold && IsSame(threshold["ratio"], written),
        (JsonValueKind.Number, JsonValueKind.Number) => sample!.GetValue<decimal>() == written!.GetValue<decimal>(),
        (JsonValueKind.String, JsonValueKind.String) => DateTimeOffset.TryParse(sample!.GetValue<string>(), CultureInfo.InvariantCulture,
            out var before) && DateTimeOffset.TryParse(written!.GetValue<string>(), CultureInfo.InvariantCulture, out var after)
            && before == after,
        _ => false,
    };

    static Type? TypeOf(string schema) =>
        renamed.GetValueOrDefault(schema) ?? typeof(PurserClient).Assembly.GetType("Purser.Client." + schema);

    static IEnumerable<string> MembersOf(Type document) => document.GetProperties()
        .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always }
            && property.GetCustomAttribute<JsonExtensionDataAttribute>() is null)
        .Select(NameOf);

    async Task<IReadOnlyList<JsonElement>> OperationsAsync() =>
        [.. (await host.Get("/openapi/v1.json")).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()).Select(operation => operation.Value)];

    static string NameOf(PropertyInfo property) => property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name
        ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    static string Pascal(string id) => char.ToUpperInvariant(id[0]) + id[1..];
}
