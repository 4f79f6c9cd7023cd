// Cases from the systems that came before, run as data. A step is run by the runner of its operation, and what a case expects is looked
// up by name; another area is added to `areas`, with the runners and figures that it needs. What can not hold is in cases/exceptions.json.
using System.Globalization;
using System.Text.Json;
using NodaTime.Text;
using NodaTime;
using Purser.Cases;
using Xunit.Abstractions;

namespace Purser.Core.Tests;

public sealed class SeedCases(ITestOutputHelper output)
{
    static readonly SeedFile file = new("record", "identity", "config");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, one => new Run(one).Failures());

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(one => new Run(one).Failures(), output);

    /// <summary>One case: an account, the steps run on it, and figures by name.</summary>
    sealed class Run
    {
        readonly JsonElement given;
        readonly JsonElement expect;
        readonly JsonElement[] steps;
        readonly Desk desk = new();
        readonly List<string?> errors = [];
        readonly Dictionary<string, Action<JsonElement>> operations;
        readonly Dictionary<string, Func<JsonElement, object?>> figures;
        readonly List<long> shown = [];
        ModelPrice? quoted;
        int ids;

        public Run(JsonElement one)
        {
            given = one.GetProperty("given");
            expect = one.GetProperty("expect");
            steps = [.. one.GetProperty("when").EnumerateArray()];
            if (given.TryGetProperty("prices", out var prices))
                desk.Settings = desk.Settings with { Prices = new("case", prices.EnumerateObject().Select(PriceOf)) };
            operations = new()
            {
                ["record"] = Record,
                ["record-batch"] = step => { foreach (var item in step.GetProperty("items").EnumerateArray()) Record(item); },
                ["quote"] = step => quoted = desk.Settings.Prices.Find(null, step.Text("model")),
                ["usage"] = _ => { },
                // Everything that was not acknowledged is gone; the journal is what was.
                ["crash"] = _ => desk.Restart(),
                ["status"] = step => shown.Add((long)(desk.View("each", step.Text("owner"))?.Settled.Value ?? 0)),
                // What another system had built in is a policy here: it must be accepted, and be in force afterwards.
                ["defaults"] = _ => InForce(PolicyOf(expect)),
                ["preset"] = _ => InForce(PolicyOf(expect)),
                ["create"] = _ => InForce(Policy.Empty),
            };
            figures = new()
            {
                ["error"] = _ => errors.LastOrDefault(error => error is not null),
                ["errors"] = _ => errors.Select(error => (object?)(error is null ? null : "invalid-tokens")).ToArray(),
                ["records"] = _ => desk.Usage.Count,
                ["recorded"] = _ => errors.Count(error => error is null),
                ["failed"] = _ => errors.Count(error => error is not null),
                ["provider"] = _ => Last.Usage.Dimensions.Provider,
                ["total"] = _ => Last.Amounts.Tokens,
                ["totalTokens"] = _ => (long)Lifetime("tokens"),
                ["tokens"] = _ => (long)Lifetime("tokens"),
                ["unpriced"] = _ => desk.Usage.Count(record => record.Unpriced),
                ["cost"] = expected => expected.ValueKind == JsonValueKind.String ? Lifetime("cost") : expected.EnumerateObject()
                    .ToDictionary(part => part.Name, part => (object?)Cost(part.Name)),
                ["cost.total"] = _ => Cost("total"),
                ["durationMs"] = _ => Last.Usage.DurationMs,
                ["success"] = _ => Last.Usage.Success,
                ["error of the record"] = _ => Last.Usage.Error,
                ["errorPresent"] = _ => Last.Usage.Error is not null,
                ["priced"] = _ => quoted is not null,
                ["used"] = _ => shown.Select(used => (object?)used).ToArray(),
            };
            foreach (var setting in (string[])["levels", "enforcement", "currency", "maxTokens", "maxCost", "window", "warningPercent",
                "warningAt", "criticalAt", "limits", "thresholds", "holdTtl"])
                figures[setting] = _ => Setting(setting);
            desk.Send(new SetPolicy(new()
            {
                Usage = given.TryGetProperty("enabled", out var enabled) && !enabled.GetBoolean()
                    ? new(Recording: UsageRecording.Off) : null,
                Limits =
                [
                    new() { Id = "tokens", Window = new(WindowKind.Lifetime), Unit = LimitUnit.Tokens },
                    new() { Id = "cost", Window = new(WindowKind.Lifetime), Unit = LimitUnit.Cost },
                    new() { Id = "each", Window = new(WindowKind.Lifetime), Unit = LimitUnit.Tokens, Each = "user" },
                ],
            }));
        }

        /// <summary>
        /// Members of `effective` that are not the rules' to set: raw retention is the ledger's, anomalies are the history's, and the
        /// authority is not without a ledger.
        /// </summary>
        static readonly string[] elsewhere = ["retentionDays", "spikeThreshold", "windowSize", "minDataPoints", "enabled", "persist"];

        /// <summary>Grace periods are read by nothing in the system they come from: a soft limit never refuses, so there is nothing to
        /// delay.</summary>
        static readonly string[] meaningless = ["gracePeriodMinutes"];

        public List<string> Failures()
        {
            var failures = new List<string>();
            foreach (var step in steps)
            {
                if (!operations.TryGetValue(step.Text("op"), out var run))
                    return [$"there is no runner for the operation '{step.Text("op")}'"];
                var times = Number(step, "times") ?? Number(step, "parallel") ?? 1;
                for (var i = 0; i < times; i++) run(step);
            }
            foreach (var member in expect.EnumerateObject().SelectMany(member => member.Name == "effective"
                ? member.Value.EnumerateObject().Where(one => !elsewhere.Contains(one.Name)) : [member]))
            {
                if (meaningless.Contains(member.Name)) continue;
                // An `error` beside `success` is the record's; alone it is the answer's.
                var name = member.Name == "error" && expect.TryGetProperty("success", out _) ? "error of the record" : member.Name;
                if (!figures.TryGetValue(name, out var figure)) failures.Add($"there is no figure '{name}'");
                else
                {
                    var actual = figure(member.Value);
                    if (!Expected.Same(member.Value, actual))
                        failures.Add($"{member.Name}: expected {member.Value}, was {Expected.Written(actual)}");
                }
            }
            return failures;
        }

        void Record(JsonElement step)
        {
            // A call without an answer is a failed call; the runner reports what a caller would.
            var failed = step.TryGetProperty("response", out var response) && response.ValueKind == JsonValueKind.Null;
            var id = step.TryGetProperty("id", out var given) ? given.GetString()! : $"r{ids++}";
            long input, outputTokens;
            try
            {
                (input, outputTokens) = (Number(step, "input") ?? Number(step, "total") ?? 0, Number(step, "output") ?? 0);
            }
            catch (InvalidOperationException)
            {
                // Not a number at all: the reader of the request refuses it, as this one did.
                errors.Add("not a number");
                return;
            }
            var usage = new Usage
            {
                Dimensions = new() { Model = step.Optional("model"), User = step.Optional("owner") },
                InputTokens = input,
                OutputTokens = outputTokens,
                DurationMs = Number(step, "durationMs"),
                Success = !failed && (!step.TryGetProperty("success", out var success) || success.GetBoolean()),
                Error = failed ? "no response" : step.Optional("error"),
                CostNanos = step.Optional("cost") is { } cost ? Nanos(cost) : null,
            };
            var outcome = desk.Send(new Record(id, usage));
            errors.Add(outcome.Status == OutcomeStatus.Done ? null : $"{outcome.Status} {outcome.Field}");
        }

        UsageRecord Last => desk.Usage.Last();

        object Lifetime(string limit) => desk.View(limit)!.Settled.Value is var settled && limit == "cost"
            ? Money.Format(settled) : (long)settled;

        string Cost(string part)
        {
            var price = desk.Settings.Prices.Find(Last.Usage.Dimensions.Provider, Last.Usage.Dimensions.Model)!;
            var exact = part switch
            {
                "input" => price.Periods[0].Cost(Last.Usage with { OutputTokens = 0 }, default),
                "output" => price.Periods[0].Cost(Last.Usage with { InputTokens = 0 }, default),
                _ => Money.ToDecimal(Last.Amounts.CostNanos),
            };
            return exact!.Value.ToString(CultureInfo.InvariantCulture);
        }

        void InForce(Policy policy)
        {
            Assert.Null(Validity.Problem(policy));
            errors.Add(desk.Send(new SetPolicy(policy)) is { Status: OutcomeStatus.Done } ? null : "refused");
            // As another node would find it.
            desk.Restart();
        }

        static Policy PolicyOf(JsonElement expect)
        {
            var ratios = expect.TryGetProperty("levels", out var levels) || expect.TryGetProperty("thresholds", out levels)
                ? levels.EnumerateArray().Select(level => new Threshold(level.GetDecimal(), $"at {level}")).ToArray() : null;
            var window = expect.TryGetProperty("window", out var name) ? WindowOf(name.GetString()!) : new(WindowKind.Month);
            var limits = new List<Limit>();
            if (expect.TryGetProperty("limits", out var amounts))
                foreach (var amount in amounts.EnumerateObject())
                    limits.Add(new() { Id = amount.Name, Window = WindowOf(amount.Name), Amount = amount.Value.GetInt64(),
                        Thresholds = ratios });
            else
            {
                limits.Add(new()
                {
                    Id = "tokens", Window = window, Amount = Number(expect, "maxTokens") ?? 1000, Thresholds = ratios,
                    Enforcement = expect.Optional("enforcement") == "soft" ? Enforcement.Soft : Enforcement.Hard,
                });
                if (expect.Optional("maxCost") is { } cost)
                    limits.Add(new() { Id = "cost", Unit = LimitUnit.Cost, Window = window, Amount = Nanos(cost), Thresholds = ratios });
            }
            decimal? warning = expect.TryGetProperty("warningPercent", out var percent)
                ? percent.GetDecimal() / 100 : expect.TryGetProperty("warningAt", out var at) ? at.GetDecimal() : null;
            return new()
            {
                Limits = limits,
                Currency = expect.Optional("currency"),
                StatusLevels = warning is null ? null : new(warning.Value, expect.TryGetProperty("criticalAt", out var critical)
                    ? critical.GetDecimal() : 0.95m),
                Holds = expect.Optional("holdTtl") is { } ttl
                    ? new((long)PeriodPattern.NormalizingIso.Parse(ttl).Value.ToDuration().TotalSeconds) : null,
            };
        }

        /// <summary>A setting as it is in force, in the words of the case.</summary>
        object? Setting(string name)
        {
            var effective = desk.State.Effective;
            var limits = effective.Limits.Select(limit => limit.Limit).ToDictionary(limit => limit.Id);
            return name switch
            {
                "levels" or "thresholds" => limits.Values.First().Thresholds!.Select(threshold => (object?)threshold.Ratio).ToArray(),
                "enforcement" => limits["tokens"].Enforcement.ToString().ToLowerInvariant(),
                "currency" => effective.Currency,
                "maxTokens" => (long)limits["tokens"].Amount!.Value,
                "maxCost" => Money.Format(limits["cost"].Amount!.Value),
                "window" => limits["tokens"].Window == new Window(WindowKind.Day) ? "daily" : limits["tokens"].Window.ToString(),
                "warningPercent" => effective.StatusLevels.Warning * 100,
                "warningAt" => effective.StatusLevels.Warning,
                "criticalAt" => effective.StatusLevels.Critical,
                "limits" => limits.Values.ToDictionary(limit => limit.Id, limit => (object?)(long)limit.Amount!.Value),
                "holdTtl" => PeriodPattern.NormalizingIso.Format(Period.FromSeconds(effective.DefaultTtlSeconds).Normalize()),
                _ => throw new ArgumentException($"no setting '{name}'"),
            };
        }

        static Window WindowOf(string name) => new(name switch
        {
            "hourly" => WindowKind.Hour, "daily" => WindowKind.Day, "weekly" => WindowKind.Week, "monthly" => WindowKind.Month, _ =>
                throw new ArgumentException(name),
        });

        static ModelPrice PriceOf(JsonProperty price)
        {
            var per = price.Value.Text("unit") == "per-1K-tokens" ? 1000 : 1;
            decimal Rate(string kind) => decimal.Parse(price.Value.Text(kind), CultureInfo.InvariantCulture) * per;
            var provider = PriceBook.BuiltIn.Find(null, price.Name)?.Provider ?? (price.Name.StartsWith("claude", StringComparison.Ordinal)
                ? "anthropic" : "openai");
            return ModelPrice.Flat(provider, price.Name, Rate("input"), Rate("output"), price.Value.Text("currency"));
        }
    }

    static long? Number(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    static long Nanos(string money) => Money.TryParse(money, out var nanos) ? nanos : throw new ArgumentException(money);
}
