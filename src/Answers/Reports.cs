// Makes reports: one set of questions to the ledger, all of one moment, their sums folded into rows and, over a calendar, into series.
using NodaTime;
using NodaTime.Text;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Answers;

public sealed class Reports(IUsageQueries queries, IUsageHistories histories, IBudgetAuthority authority)
{
    /// <summary>May throw <see cref="AnswerRefusedException"/> and <see cref="LedgerUnavailableException"/>.</summary>
    public async Task<Report> MakeAsync(ReportQuestion question, CancellationToken cancellation = default)
    {
        await turns.WaitAsync(cancellation);
        try
        {
            return await new Maker(queries, histories, authority, question, cancellation).MakeAsync();
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>So many are made at once: each may hold all rows of a large ledger, and more at a time are no faster.</summary>
    public static readonly int MostAtOnce = Math.Max(2, Environment.ProcessorCount);

    static readonly SemaphoreSlim turns = new(MostAtOnce);

    sealed class Maker(IUsageQueries queries, IUsageHistories histories, IBudgetAuthority authority, ReportQuestion question,
        CancellationToken cancellation)
    {
        /// <summary>So many tallies are a mistake in the groups or the granularity, not a report.</summary>
        const int MostStepsOfRows = 200_000;

        static readonly UsageKey[] models = [UsageKey.Provider, UsageKey.Model];

        readonly CalendarSteps steps = new(question.Calendar, question.Step, question.From, question.To);

        /// <summary>Only groups with a date ask for days: over a century there are more of them than a report has steps.</summary>
        CalendarSteps Days => days ??= new(question.Calendar, new(WindowKind.Day), question.From, question.To);
        CalendarSteps? days;

        /// <summary>How what was booked is told in the currency that was asked for; null where none was.</summary>
        ToldCurrency? told;

        public async Task<Report> MakeAsync()
        {
            var asked = await AskAsync();
            var currency = await CurrencyOfAsync(asked.InTime);
            var total = Tally.Of(asked.InTime, told);
            var order = question.Order != ReportOrder.Usual ? question.Order : total.CostNanos != 0 ? ReportOrder.Cost : ReportOrder.Tokens;

            var rows = new List<ReportRow>();
            var omitted = new SortedDictionary<string, int>(StringComparer.Ordinal);
            foreach (var group in question.Groups)
            {
                var all = RowsOf(group, asked, order);
                rows.AddRange(all.Take(question.Top));
                if (all.Count > question.Top) omitted[group.Type] = all.Count - question.Top;
            }
            if (asked.Previous is { } previous && told is null
                && previous.Sums.FirstOrDefault(sum => sum.CostNanos != 0 && sum.Currency != currency) is { } other)
                throw AnswerRefusedException.Unprocessable(
                    "compare", $"usage in {other.Currency} lies in the period before, and this one is told in {currency}; ask for one "
                        + $"`currency`");
            return new(
                question, currency, total, asked.Extent, rows, SeriesOf(asked.InTime), ModelsOf(asked),
                Pace.Of(question.From, question.To, question.Now, asked.InTime, total))
            {
                Anomalies = question.WithAnomalies ? await AnomaliesAsync() : null,
                Omitted = omitted,
                Previous = asked.Previous is { } before
                    ? new(before.Filter.From!.Value, before.Filter.To!.Value, Tally.Of(before.Sums, told), before.Extent) : null,
                PartialSince = question.WithParts || RollupPlan.ReadsRecords(question.Filter) || steps.Unit == UsageStep.Minute
                    ? asked.PartialSince : null,
            };
        }

        /// <summary>What was asked at once. Sums of groups have their steps where rows have series.</summary>
        sealed record Asked(IReadOnlyList<UsageSum> InTime, UsageExtent Extent,
            IReadOnlyList<(UsageKey[] Keys, IReadOnlyList<UsageSum> Sums)> RolledUp,
            IReadOnlyDictionary<ReportGroup, IReadOnlyList<UsageSum>> Apart,
            (UsageFilter Filter, IReadOnlyList<UsageSum> Sums, UsageExtent Extent)? Previous, Instant? PartialSince);

        /// <summary>
        /// Asks everything at once. Which currencies were booked is known only from the answer: where rates of a currency that was not
        /// expected begin inside of the steps, it is asked again in finer ones.
        /// </summary>
        async Task<Asked> AskAsync()
        {
            var before = question.Filter with { From = question.From - (question.To - question.From), To = question.From };
            var rates = question.Currency is null ? null : (await authority.SettingsAsync()).ExchangeRates;
            var booked = new HashSet<string>(StringComparer.Ordinal);
            var rolledUp = RolledUpKeys();
            var apart = question.Groups.Where(group => !group.IsRolledUp).ToArray();
            var stepOfRows = question.WithSeriesOfRows ? steps.Unit : UsageStep.Whole;
            while (true)
            {
                told = rates is null ? null : new(question.Currency!, booked, rates, question.WithPrevious ? before.From.Value
                    : question.From, question.To);
                var questions = new List<UsageQuestion>();
                var inTime = Ask(Sum(question.Filter, [], steps.Unit));
                var extent = Ask(UsageQuestion.Extent(question.Filter));
                var ofKeys = rolledUp.ConvertAll(keys => Ask(Sum(question.Filter, keys, stepOfRows)));
                var ofApart = Array.ConvertAll(apart, group => Ask(Sum(
                    question.Filter, KeysOf(group), group.HasDate ? Finer(Days.Unit, stepOfRows) : stepOfRows)));
                var (beforeSum, beforeExtent) = question.WithPrevious
                    ? (Ask(Sum(before, [], UsageStep.Whole)), Ask(UsageQuestion.Extent(before))) : default;
                var moment = await queries.AskAsync(questions, cancellation);
                var answers = moment.Items;
                var sums = question.WithPrevious ? answers[inTime].Sums.Concat(answers[beforeSum].Sums) : answers[inTime].Sums;
                if (told?.Covers(sums) is false)
                {
                    booked = [.. sums.Where(sum => sum.HasMoney).Select(sum => sum.Currency), .. booked];
                    continue;
                }
                return new(
                    answers[inTime].Sums, answers[extent].Extent!, [.. rolledUp.Select((keys, i) => (keys, answers[ofKeys[i]].Sums))],
                    apart.Select((group, i) => (group, answers[ofApart[i]].Sums)).ToDictionary(one => one.group, one => one.Sums),
                    question.WithPrevious ? (before, answers[beforeSum].Sums, answers[beforeExtent].Extent!) : null,
                    moment.KeptSince > question.From ? moment.KeptSince : null);

                int Ask(UsageQuestion one)
                {
                    questions.Add(one);
                    return questions.Count - 1;
                }
            }

            UsageQuestion Sum(UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step) => new(filter, by, told?.Finer(step) ?? step)
            {
                WithParts = question.WithParts && ReferenceEquals(filter, question.Filter),
            };
        }

        static UsageStep Finer(UsageStep a, UsageStep b) => a == UsageStep.Whole ? b : b == UsageStep.Whole || a < b ? a : b;

        /// <summary>Groups are asked for one by one, for which there are smaller rollups than for all of it; what another one has is
        /// divided here.</summary>
        List<UsageKey[]> RolledUpKeys()
        {
            var rolledUp = new List<UsageKey[]>();
            foreach (var keys in question.Groups.Where(group => group.IsRolledUp).Select(WithProvider).Append(models)
                .OrderByDescending(keys => keys.Length))
                // A call counts under each of its tools: sums by tool can not be divided into others.
                if (!rolledUp.Any(one => keys.All(one.Contains) && (keys.Contains(UsageKey.Tool) || !one.Contains(UsageKey.Tool))))
                    rolledUp.Add(keys);
            return rolledUp;
        }

        /// <summary>Rollups that have the model have its provider too.</summary>
        static UsageKey[] WithProvider(ReportGroup group) => group.Keys.Contains(UsageKey.Model) ? [.. group.Keys.Union(models)]
            : [.. group.Keys];

        /// <summary>A session belongs to its account.</summary>
        static IReadOnlyList<UsageKey> KeysOf(ReportGroup group) => !group.HasSession || group.Keys.Contains(UsageKey.Account) ? group.Keys
            : [.. group.Keys, UsageKey.Account];

        /// <summary>The one currency of what was booked, or of the account; several are converted only where one of them was asked
        /// for.</summary>
        async Task<string> CurrencyOfAsync(IReadOnlyList<UsageSum> sums)
        {
            if (told is not null) return told.Currency;
            var booked = sums.Where(sum => sum.HasMoney).Select(sum => sum.Currency).Distinct().Order(StringComparer.Ordinal)
                .ToArray();
            if (booked.Length > 1)
                throw AnswerRefusedException.Unprocessable(
                    "currency", $"usage in {string.Join(", ", booked)} lies in this range; say in which `currency` to tell it, or ask for "
                        + $"accounts that have one");
            if (booked.Length == 1) return booked[0];
            return sums.Count > 0 ? sums[0].Currency
                : question.Filter.Account is { } account && (await authority.SendAsync(account, new GetPolicy(), cancellation)).Answer
                    is PolicyView view ? view.Effective.Currency
                : EffectivePolicy.None.Currency;
        }

        List<ReportRow> RowsOf(ReportGroup group, Asked asked, ReportOrder order)
        {
            var (keys, sums) = asked.Apart.TryGetValue(group, out var own) ? ((IReadOnlyList<UsageKey>)KeysOf(group), own)
                : SumsWith(asked, group.Keys);
            var places = group.Names.Select(name => PlaceOf(keys, name)).ToArray();
            var account = group.HasSession && question.Filter.Account is null ? PlaceOf(keys, UsageKey.Account.Name) : Nowhere;
            var tallies = new Dictionary<(string? First, string? Second, string? Account), (Tally Whole, Tally[]? Series)>();
            foreach (var sum in sums)
            {
                var key = (ValueAt(places[0]), places.Length > 1 ? ValueAt(places[1]) : null, ValueAt(account));
                if (!tallies.TryGetValue(key, out var tally)) tallies[key] = tally = (new(told), NewSeries(tallies.Count));
                tally.Whole.Add(sum);
                tally.Series?[steps.IndexOf(sum.Start!.Value)].Add(sum);

                string? ValueAt(int place) => place == Nowhere ? null : place == OfDate
                    ? LocalDatePattern.Iso.Format(Days.Spans[Days.IndexOf(sum.Start!.Value)].Start.InZone(question.Calendar.Zone).Date)
                    : sum.Keys[place];
            }
            var rows = tallies.Select(one => new ReportRow(group, one.Key.First, one.Key.Second, one.Key.Account, one.Value.Whole)
            {
                Series = one.Value.Series, PartialSince = group.NeedsRecords ? asked.PartialSince : null,
            });
            if (group.Names is [ReportGroup.Date]) return [.. rows.OrderBy(row => row.Key, StringComparer.Ordinal)];
            return [.. rows.OrderByDescending(row => order == ReportOrder.Cost ? row.Tally.CostNanos : order == ReportOrder.Requests
                ? row.Tally.Requests : row.Tally.Tokens).ThenByDescending(row => row.Tally.Tokens)
                .ThenBy(row => row.Key, StringComparer.Ordinal).ThenBy(row => row.Account, StringComparer.Ordinal)];
        }

        const int OfDate = -1, Nowhere = -2;

        static int PlaceOf(IReadOnlyList<UsageKey> keys, string name)
        {
            if (name == ReportGroup.Date) return OfDate;
            for (var i = 0; i < keys.Count; i++)
                if (keys[i].Name == name) return i;
            return Nowhere;
        }

        Tally[]? NewSeries(int rows)
        {
            if (!question.WithSeriesOfRows) return null;
            if ((long)(rows + 1) * steps.Spans.Count > MostStepsOfRows)
                throw AnswerRefusedException.Invalid(
                    "seriesOfRows", $"the rows have more than {MostStepsOfRows} steps together; ask for fewer groups, larger steps or a "
                        + $"shorter range");
            return NewSeries();
        }

        Tally[] NewSeries()
        {
            var tallies = new Tally[steps.Spans.Count];
            for (var i = 0; i < tallies.Length; i++) tallies[i] = new(told);
            return tallies;
        }

        static (IReadOnlyList<UsageKey> Keys, IReadOnlyList<UsageSum> Sums) SumsWith(Asked asked, IReadOnlyList<UsageKey> by) =>
            asked.RolledUp.First(one => by.All(one.Keys.Contains) && (by.Contains(UsageKey.Tool) || !one.Keys.Contains(UsageKey.Tool)));

        ReportStep[] SeriesOf(IReadOnlyList<UsageSum> sums)
        {
            var tallies = NewSeries();
            foreach (var sum in sums) tallies[steps.IndexOf(sum.Start!.Value)].Add(sum);
            return [.. steps.Spans.Select((step, i) => new ReportStep(step.Start, step.End, tallies[i]))];
        }

        /// <summary>What was booked for each model, the dearest first.</summary>
        IReadOnlyList<ModelCost> ModelsOf(Asked asked)
        {
            var (keys, sums) = SumsWith(asked, models);
            var (provider, model) = (PlaceOf(keys, "provider"), PlaceOf(keys, "model"));
            return [.. sums.GroupBy(sum => (Provider: sum.Keys[provider], Model: sum.Keys[model]))
                .Select(one => new ModelCost(one.Key.Provider, one.Key.Model, Tally.Of(one, told)))
                .Where(one => one.Tally.CostNanos != 0).OrderByDescending(one => one.Tally.CostNanos)
                .ThenBy(one => one.Provider, StringComparer.Ordinal).ThenBy(one => one.Model, StringComparer.Ordinal)];
        }

        async Task<IReadOnlyList<Anomaly>> AnomaliesAsync()
        {
            var history = await histories.ReadAsync(question.Filter.Account!, cancellation);
            return [.. history.Anomalies.Reverse()
                .Where(one => one.WithdrawnAt is null && one.At >= question.From && one.At < question.To)];
        }
    }
}
