// Summaries by e-mail: what the week or the month before cost, who used most, and what is open. Sent once for each, on Monday or on the
// first of the month at eight in the zone of the channel.
using System.Globalization;
using System.Text;
using NodaTime;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Alerts;

public sealed class AlertSummaries(AlertStore store, MailSender mail, IUsageQueries queries, LedgerClock clock, ILogger<AlertSummaries> log)
{
    const int MostRows = 10;
    static readonly LocalTime sentAt = new(8, 0);
    static readonly Duration sentWithin = Duration.FromDays(2);

    Task working = Task.CompletedTask;

    /// <summary>Begins to send what is due; nobody waits for it.</summary>
    public void Send(IReadOnlyList<AlertChannel> channels, IReadOnlyList<Alert> open, CancellationToken cancellation)
    {
        if (!working.IsCompleted) return;
        var wanted = channels.Where(channel => channel is { Enabled: true, Kind: ChannelKinds.Email, Summaries.Count: > 0 }).ToArray();
        if (wanted.Length > 0) working = Task.Run(() => SendQuietlyAsync(wanted, open, cancellation), CancellationToken.None);
    }

    async Task SendQuietlyAsync(AlertChannel[] channels, IReadOnlyList<Alert> open, CancellationToken cancellation)
    {
        foreach (var channel in channels)
            try
            {
                await SendAsync(channel, open, cancellation);
            }
            catch (Exception failed) when (!cancellation.IsCancellationRequested)
            {
                log.LogWarning("The summary for {Channel} is late: {Why}", channel.Id, failed.Message);
            }
    }

    public async Task SendAsync(AlertChannel channel, IReadOnlyList<Alert> open, CancellationToken cancellation)
    {
        var zone = TimeZones.Of(channel.TimeZone);
        var now = clock.Now;
        var today = now.InZone(zone).Date;
        foreach (var kind in channel.Summaries)
        {
            var end = kind == "weekly" ? today.PlusDays(1 - (int)today.DayOfWeek) : today.PlusDays(1 - today.Day);
            var start = kind == "weekly" ? end.PlusDays(-7) : end.PlusMonths(-1);
            var due = (end + sentAt).InZoneLeniently(zone).ToInstant();
            var mark = due.ToUnixTimeMilliseconds();
            var use = (await store.UseAsync(channel.Id)).Use;
            // One that was missed for long is of no use any more, nor one from before the channel was there.
            if (now < due || now > due + sentWithin || channel.CreatedAtMillis > mark
                || (kind == "weekly" ? use.WeeklyForMillis : use.MonthlyForMillis) >= mark) continue;
            var text = await TextAsync(channel, start, end, zone, open, cancellation);
            var sent = await mail.SendAsync(channel.To, $"[Purser] {(kind == "weekly" ? "Week" : "Month")} of {start:uuuu-MM-dd}", text,
                null,
                cancellation);
            if (!sent.IsArrived)
            {
                log.LogWarning("The {Kind} summary for {Channel} did not go out: {Why}", kind, channel.Id, sent.Error);
                continue;
            }
            await store.ChangeUseAsync(channel.Id, was => kind == "weekly" ? was with { WeeklyForMillis = mark }
                : was with { MonthlyForMillis = mark });
        }
    }

    async Task<string> TextAsync(AlertChannel channel, LocalDate start, LocalDate end, DateTimeZone zone, IReadOnlyList<Alert> open,
        CancellationToken cancellation)
    {
        var length = Period.Between(start, end, PeriodUnits.Days).Days;
        var (now, before) = (await SumsAsync(channel, start, end, zone, cancellation),
            await SumsAsync(channel, start.PlusDays(-length), start, zone, cancellation));
        var text = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"From {start:uuuu-MM-dd} to {end.PlusDays(-1):uuuu-MM-dd} ({zone.Id})\n\n");
        text.Append("Cost\n");
        foreach (var currency in now.Concat(before).Select(sum => sum.Currency).Distinct().Order(StringComparer.Ordinal))
        {
            var (cost, was) = (CostOf(now, currency), CostOf(before, currency));
            text.Append(CultureInfo.InvariantCulture, $"  {AlertText.Amount(cost, currency)}, ")
                .Append(was == 0 ? "nothing in as many days before\n" : string.Create(CultureInfo.InvariantCulture,
                    $"{(cost >= was ? "+" : "")}{AlertText.Percent(cost / was - 1)} % against {AlertText.Amount(was, currency)} in as "
                        + $"many days before\n"));
        }
        text.Append(CultureInfo.InvariantCulture,
            $"  {AlertText.Count((decimal)now.Aggregate((Int128)0, (sum, one) => sum + one.InputTokens + one.OutputTokens))} tokens in "
            + $"{AlertText.Count((decimal)now.Aggregate((Int128)0, (sum, one) => sum + one.Requests))} calls\n");
        if (now.Sum(sum => sum.Unpriced) is > 0 and var unpriced)
            text.Append(CultureInfo.InvariantCulture, $"  The cost is a lower bound: {AlertText.Count(unpriced)} records have no price\n");
        Top(text, "Accounts", now, 0);
        Top(text, "Models", now, 1);
        var told = open.Where(alert => channel.Hears(alert.Account)).ToArray();
        text.Append(CultureInfo.InvariantCulture, $"\nOpen alerts: {told.Length}\n");
        foreach (var alert in told.OrderByDescending(alert => alert.Standing.Severity).Take(MostRows))
            text.Append(CultureInfo.InvariantCulture, $"  {AlertEvents.WordOf(alert.Standing.Severity)}: {alert.Title}\n");
        return text.ToString();
    }

    async Task<UsageSum[]> SumsAsync(AlertChannel channel, LocalDate start, LocalDate end, DateTimeZone zone,
        CancellationToken cancellation)
    {
        var sums = await queries.SumAsync(new()
        {
            From = zone.AtStartOfDay(start).ToInstant(), To = zone.AtStartOfDay(end).ToInstant(),
        }, [UsageKey.Account, UsageKey.Model], UsageStep.Whole, cancellation);
        return [.. sums.Where(sum => channel.Hears(sum.Keys[0]))];
    }

    static decimal CostOf(IEnumerable<UsageSum> sums, string currency) => Money.ToDecimal(
        sums.Where(sum => sum.Currency == currency).Aggregate((Int128)0, (total, sum) => total + sum.CostNanos));

    static void Top(StringBuilder text, string title, UsageSum[] sums, int key)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n{title}\n");
        var rows = sums.GroupBy(sum => (Name: sum.Keys[key] ?? "(none)", sum.Currency))
            .Select(group => (group.Key.Name, group.Key.Currency, Cost: CostOf(group, group.Key.Currency)))
            .OrderByDescending(row => row.Cost).ThenBy(row => row.Name, StringComparer.Ordinal).ToArray();
        foreach (var (name, currency, cost) in rows.Take(MostRows))
            text.Append(CultureInfo.InvariantCulture, $"  {AlertText.Amount(cost, currency),14}  {name}\n");
        foreach (var rest in rows.Skip(MostRows).GroupBy(row => row.Currency))
            text.Append(CultureInfo.InvariantCulture,
                $"  {AlertText.Amount(rest.Sum(row => row.Cost), rest.Key),14}  others ({rest.Count()})\n");
    }
}
