// What a call asks before and after it: check, reserve, extend, settle, release, record, count.
namespace Purser.Client;

public sealed partial class PurserClient
{
    const int refused = 429;

    static string Reservations(string account, string reservation) =>
        $"{Account(account)}/reservations/{QueryText.Segment(reservation)}";

    public Task<Decision> CheckAsync(string account, Estimate estimate, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Account(account) + "/check", estimate, PurserJson.Default.Estimate) with { AlsoAnswers = refused },
            PurserJson.Default.Decision, cancellationToken);

    public Task<Decision> ReserveAsync(string account, Estimate estimate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(estimate);
        var identified = estimate.Id is null ? estimate with { Id = NewId() } : estimate;
        return sender.SendAsync(
            Ask.Post(Account(account) + "/reservations", identified, PurserJson.Default.Estimate) with { AlsoAnswers = refused },
            PurserJson.Default.Decision, cancellationToken);
    }

    /// <summary>The open reservations of an account, those that run out first.</summary>
    public Task<OpenReservations> ListReservationsAsync(
        string account, PageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/reservations")), PurserJson.Default.OpenReservations, cancellationToken);

    /// <summary>The open reservations of all accounts that the key sees, those that run out first.</summary>
    public Task<AllReservations> ListAllReservationsAsync(int? limit = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(new QueryText("/v1/reservations").Add("limit", limit).ToString()), PurserJson.Default.AllReservations,
            cancellationToken);

    public Task<Reservation> GetReservationAsync(string account, string reservation, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Reservations(account, reservation)), PurserJson.Default.Reservation, cancellationToken);

    public Task<Decision> ExtendAsync(
        string account, string reservation, Estimate more, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(more);
        var identified = more.Id is null ? more with { Id = NewId() } : more;
        return sender.SendAsync(Ask.Post(Reservations(account, reservation) + "/extend", identified, PurserJson.Default.Estimate)
            with { AlsoAnswers = refused }, PurserJson.Default.Decision, cancellationToken);
    }

    public Task<Settlement> SettleAsync(
        string account, string reservation, Settle usage, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(usage);
        // A final settlement without an id has the reservation's; a part has none of its own by itself.
        var identified = usage.Id is null && usage.Final == false ? usage with { Id = NewId() } : usage;
        return sender.SendAsync(Ask.Post(Reservations(account, reservation) + "/settle", identified, PurserJson.Default.Settle),
            PurserJson.Default.Settlement, cancellationToken);
    }

    public Task<Reservation> ReleaseAsync(string account, string reservation, CancellationToken cancellationToken = default) =>
        sender.SendAsync(
            Ask.Post(Reservations(account, reservation) + "/release"), PurserJson.Default.Reservation, cancellationToken);

    public Task<Settlement> RecordUsageAsync(string account, Usage usage, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return sender.SendAsync(
            Ask.Post(Account(account) + "/usage", Identified(usage), PurserJson.Default.Usage), PurserJson.Default.Settlement,
            cancellationToken);
    }

    /// <summary>Books many usages at once; each is answered for itself.</summary>
    public async Task<IReadOnlyList<UsageResult>> RecordUsageAsync(
        string account, IEnumerable<Usage> usages, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(usages);
        IReadOnlyList<Usage> identified = [.. usages.Select(Identified)];
        var answer = await sender.SendAsync(
            Ask.Post(Account(account) + "/usage", identified, PurserJson.Default.IReadOnlyListUsage), PurserJson.Default.UsageResults,
            cancellationToken).ConfigureAwait(false);
        return answer.Items;
    }

    static Usage Identified(Usage usage) => usage.Id is null ? usage with { Id = NewId() } : usage;

    public Task<TokenCount> CountTokensAsync(TokenCountRequest request, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post("/v1/tokens/count", request, PurserJson.Default.TokenCountRequest), PurserJson.Default.TokenCount,
            cancellationToken);

    public Task<Quote> QuoteAsync(QuoteRequest request, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Post("/v1/quotes", request, PurserJson.Default.QuoteRequest), PurserJson.Default.Quote, cancellationToken);

    /// <summary>Quotes for many usages at once; each is answered for itself.</summary>
    public Task<Quotes> QuoteManyAsync(IEnumerable<QuoteRequest> requests, CancellationToken cancellationToken = default) =>
        sender.SendAsync(
        Ask.Post("/v1/quotes", (IReadOnlyList<QuoteRequest>)[.. requests], PurserJson.Default.IReadOnlyListQuoteRequest),
        PurserJson.Default.Quotes, cancellationToken);

    public Task<Comparison> CompareQuotesAsync(ComparisonRequest request, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post("/v1/quotes/compare", request, PurserJson.Default.ComparisonRequest),
            PurserJson.Default.Comparison, cancellationToken);
}
