// Cases of alerts from the systems that came before, run as data on the rules of alerts and their texts.
using System.Globalization;
using System.Text.Json;
using NodaTime;
using Purser.Cases;
using Purser.Core.Alerts;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Alerts;

public sealed class AlertSeedCases(ITestOutputHelper output)
{
    static readonly SeedFile file = new("alert");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, one => new Run(one).Failures());

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(one => new Run(one).Failures(), output);

    sealed class Watched(string id, string metric, decimal value, AlertStep[] steps)
    {
        public string Id => id;
        public string Metric => metric;
        public decimal Value => value;
        public AlertStep[] Steps => steps;
        public AlertStanding? Stands { get; set; }
    }

    /// <summary>One case: thresholds, what is measured of them, and what is told.</summary>
    sealed class Run(JsonElement one)
    {
        readonly JsonElement given = one.GetProperty("given");
        readonly JsonElement expect = one.GetProperty("expect");
        readonly List<string> failures = [];
        readonly List<string?> told = [];
        readonly List<(string Id, string Level)> alerts = [];
        readonly List<int> delivered = [];
        readonly List<Instant> sent = [];
        readonly Dictionary<string, List<Instant>> sentOf = [];
        Instant now = Instant.FromUtc(2026, 3, 2, 9, 0);
        decimal percent;

        public List<string> Failures()
        {
            foreach (var step in one.GetProperty("when").EnumerateArray())
                switch (step.Text("op"))
                {
                    case "evaluate": Evaluate(step); break;
                    case "advance": now += Duration.FromTimeSpan(System.Xml.XmlConvert.ToTimeSpan(step.Text("by"))); break;
                    case "render": Render(); break;
                    case "check": Check(step); break;
                    case "alert": acknowledged = null; break;
                    case "acknowledge": Acknowledge(step.Text("by")); break;
                    default: failures.Add($"no step {step.Text("op")}"); break;
                }
            foreach (var wanted in expect.EnumerateObject()) Look(wanted.Name, wanted.Value);
            return failures;
        }

        Watched[] Thresholds() => watched ??= given.TryGetProperty("thresholds", out var many)
            ? [.. many.EnumerateArray().Select(Of)] : given.TryGetProperty("threshold", out var only) ? [Of(only)] : [];
        Watched[]? watched;

        static Watched Of(JsonElement threshold)
        {
            var metric = threshold.Text("metric");
            return new(threshold.Optional("id") ?? metric, metric, Number(threshold.GetProperty("value")),
            [
                new(Ratio("infoAt", 0.75m), AlertSeverity.Info), new(1, AlertSeverity.Warning),
                new(Ratio("criticalAt", 1.5m), AlertSeverity.Critical),
            ]);

            decimal Ratio(string name, decimal usual) => threshold.TryGetProperty(name, out var given) ? given.GetDecimal() : usual;
        }

        static decimal Number(JsonElement value) => value.ValueKind == JsonValueKind.String
            ? decimal.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetDecimal();

        void Evaluate(JsonElement step)
        {
            var terms = new AlertTerms(given.Optional("dedupWindow") is { } window
                ? Duration.FromTimeSpan(System.Xml.XmlConvert.ToTimeSpan(window)) : Duration.Zero,
                !given.TryGetProperty("sendRecovery", out var recovery) || recovery.GetBoolean());
            var came = 0;
            for (var times = step.TryGetProperty("times", out var count) ? count.GetInt32() : 1; times > 0; times--)
                foreach (var threshold in Thresholds())
                {
                    var name = threshold.Metric == "budget-percent" ? "budgetPercent" : threshold.Metric;
                    if (!step.TryGetProperty(name, out var measured)) continue;
                    var ratio = AlertCourse.RatioOf(Number(measured), threshold.Value);
                    percent = ratio * 100;
                    (threshold.Stands, var kind) = AlertCourse.See(
                        threshold.Stands, AlertCourse.StepOf(threshold.Steps, ratio), now, terms);
                    var word = kind switch
                    {
                        AlertNoticeKind.None => null,
                        AlertNoticeKind.Resolved => "recovery",
                        _ => threshold.Stands!.Severity.ToString().ToLowerInvariant(),
                    };
                    told.Add(word);
                    if (word is null) continue;
                    alerts.Add((threshold.Id, word));
                    if (!IsFree(sent)) continue;
                    sent.Add(now);
                    came++;
                }
            delivered.Add(came);
        }

        bool IsFree(List<Instant> before) => !given.TryGetProperty("rateLimit", out var limit) || new AlertRate(
            limit.GetProperty("max").GetInt32(), Duration.FromTimeSpan(System.Xml.XmlConvert.ToTimeSpan(limit.Text("per"))))
            .FreeAt(before, now) <= now;

        /// <summary>Each level is a thing of its own.</summary>
        void Check(JsonElement step)
        {
            var standing = new Dictionary<string, AlertStanding?>();
            for (var times = step.GetProperty("times").GetInt32(); times > 0; times--)
                foreach (var level in given.GetProperty("levels").EnumerateArray())
                {
                    if (step.GetProperty("percentUsed").GetDecimal() < level.GetDecimal()) continue;
                    var name = level.GetRawText();
                    (standing[name], var kind) = AlertCourse.See(standing.GetValueOrDefault(name),
                        new(level.GetDecimal(), AlertSeverity.Info),
                        now, new(Duration.Zero));
                    var before = sentOf.TryGetValue(name, out var known) ? known : sentOf[name] = [];
                    if (kind != AlertNoticeKind.None && IsFree(before)) before.Add(now);
                }
        }

        AlertStanding? acknowledged;
        readonly List<string> results = [];

        void Acknowledge(string by)
        {
            acknowledged ??= new(AlertSeverity.Warning, 1, now);
            results.Add(acknowledged.IsSilent(now) ? "error:already-acknowledged" : "ok");
            acknowledged = acknowledged with { Acknowledged = new(by, now, null, null) };
        }

        string title = "", message = "";

        void Render()
        {
            string Field(string name, Func<decimal, string> form) => given.TryGetProperty(name, out var value) ? form(Number(value)) : "";
            var fields = new Dictionary<string, string>
            {
                ["LEVEL"] = given.Optional("level")?.ToUpperInvariant() ?? "",
                ["percentage"] = Field("percentUsed", value => AlertText.Percent(value / 100)),
                ["threshold"] = Field("threshold", AlertText.Count), ["tokensUsed"] = Field("tokensUsed", AlertText.Count),
                ["tokensLimit"] = Field("tokensLimit", AlertText.Count),
                ["costUsed"] = Field("costUsed", value => AlertText.Amount(value, "USD")),
                ["costLimit"] = Field("costLimit", value => AlertText.Amount(value, "USD")),
            };
            title = AlertText.Fill("[{LEVEL}] Budget Alert: {percentage}% Used", fields);
            message = AlertText.Fill(given.Optional("template")
                ?? "Budget usage has reached {percentage}% ({tokensUsed} / {tokensLimit} tokens). Cost: {costUsed} / {costLimit}", fields);
        }

        void Look(string name, JsonElement wanted)
        {
            switch (name)
            {
                case "alerts" when wanted.ValueKind == JsonValueKind.Number: Same(name, wanted.GetInt32(), alerts.Count); break;
                case "alerts":
                    Same(name, string.Join(' ', wanted.EnumerateArray().Select(pair => $"{pair[0]}={pair[1]}")),
                        string.Join(' ', alerts.Select(alert => $"{alert.Id}={alert.Level}")));
                    break;
                case "alertCount": Same(name, wanted.GetInt32(), alerts.Count); break;
                case "level": Same(name, wanted.GetString(), told.LastOrDefault()); break;
                case "levels":
                    Same(name, string.Join(' ', wanted.EnumerateArray().Select(level => level.GetString() ?? "-")),
                        string.Join(' ', told.Select(level => level ?? "-")));
                    break;
                case "percent":
                    Same(name, true, Math.Abs((double)percent - wanted.GetProperty("approx").GetDouble())
                        <= wanted.GetProperty("tolerance").GetDouble());
                    break;
                case "percentIsFinite": Same(name, true, percent == 100); break;
                case "delivered" when wanted.ValueKind == JsonValueKind.Array:
                    Same(name, string.Join(',', wanted.EnumerateArray()), string.Join(',', delivered));
                    break;
                case "delivered": Same(name, wanted.GetInt32(), delivered.Sum()); break;
                case "results": Same(name, string.Join(' ', wanted.EnumerateArray()), string.Join(' ', results)); break;
                case "title": Same(name, wanted.GetString(), title); break;
                case "message": Same(name, wanted.GetString(), message); break;
                case "sentPerLevel":
                    foreach (var level in wanted.EnumerateObject())
                        Same($"{name} {level.Name}", level.Value.GetInt32(), sentOf.GetValueOrDefault(level.Name)?.Count ?? 0);
                    break;
                case "history": History(wanted[0]).GetAwaiter().GetResult(); break;
                default: failures.Add($"no figure {name}"); break;
            }
        }

        /// <summary>A channel that fails, and one that does not, over the real book.</summary>
        async Task History(JsonElement wanted)
        {
            var (failing, working) = (new KeptSender("failing"), new KeptSender("working"));
            failing.Answers = _ => new(given.GetProperty("channels")[0].Text("fails"));
            await using var desk = new AlertDesk(failing, working);
            await desk.BeginAsync();
            await desk.Host.SendAsync("a", new Core.SetPolicy(Conformance.Calls.Policy(
                Conformance.Calls.Tokens("day", "day", 100, Core.Enforcement.Soft)), null));
            await desk.Host.SendAsync("a", Conformance.Calls.Record("u", 110));
            await desk.ReadAsync();
            var deliveries = (await desk.AlertsAsync())[0].Notices[0].Deliveries;
            Same("error", wanted.Text("error"), deliveries.Single(one => one.Channel == "failing").Error);
            Same("deliveredTo", wanted.GetProperty("deliveredTo").GetInt32(),
                deliveries.Count(one => one.State == Api.Alerts.AlertDelivery.Sent));
        }

        void Same<T>(string name, T wanted, T found)
        {
            if (!Equals(wanted, found)) failures.Add($"{name}: expected {wanted}, got {found}");
        }
    }
}
