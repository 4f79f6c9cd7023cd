// What an agent may ask of its budget by itself, as tools of the Model Context Protocol: what is left, what a call would cost, whether it
// may be made; lending a part to a sub-agent, and telling what was used.
using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Server;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Mcp;

[McpServerToolType]
public sealed class BudgetTools(IBudgetAuthority authority, LedgerClock clock, IHttpContextAccessor context)
{
    const string accountText = "The account; not needed where your key is for exactly one.";
    const string sessionText = "The session that the call belongs to, if any.";

    [McpServerTool(Name = "remaining_budget", ReadOnly = true)]
    [Description("What is left of a budget: every limit with its amount, what was used and held, what remains, and when it begins anew.")]
    public async Task<string> RemainingAsync([Description(accountText)] string? account = null)
    {
        var payer = Payer(account, Right.Read | Right.Check | Right.Hold);
        var outcome = await authority.SendAsync(payer, new GetStatus());
        return outcome is { Answer: AccountStatus status }
            ? Text(new(payer, status.Status, status.Paused, status.PausedReason, LimitViewDocument.Of(status.Limits)),
                ApiJson.Default.RemainingDocument) : throw Failed(outcome);
    }

    [McpServerTool(Name = "may_i_spend", ReadOnly = true)]
    [Description(
        "Whether a call may be made, and if not, why: the limits in the way, when they begin anew, and what would fit. Holds nothing.")]
    public async Task<string> MaySpendAsync(
        [Description("The model, such as gpt-4o-mini.")] string model, [Description("Tokens of the prompt.")] long inputTokens,
        [Description("The most tokens that the answer may have.")] long maxOutputTokens,
        [Description("The provider, such as openai.")] string? provider = null, [Description(sessionText)] string? session = null,
        [Description(accountText)] string? account = null)
    {
        var payer = Payer(account, Right.Check | Right.Hold);
        var estimate = new Estimate
        {
            Dimensions = new() { Provider = provider, Model = model, Session = session }, InputTokens = inputTokens,
            MaxOutputTokens = maxOutputTokens,
        };
        return DecisionOf(await authority.SendAsync(payer, new Check(estimate)));
    }

    [McpServerTool(Name = "what_would_it_cost", ReadOnly = true)]
    [Description("What a usage costs, exactly, part by part.")]
    public async Task<string> QuoteAsync(
        [Description("The model.")] string model, [Description("Tokens of the prompt.")] long inputTokens,
        [Description("Tokens of the answer.")] long outputTokens, [Description("The provider.")] string? provider = null)
    {
        Allow(Right.None);
        var usage = new Usage
        {
            Dimensions = new() { Provider = provider, Model = model }, InputTokens = inputTokens, OutputTokens = outputTokens,
        };
        var quote = Quote.Of((await authority.SettingsAsync()).Prices, usage, null, clock.Now);
        return quote.Charges is null ? throw new McpException(quote.Detail ?? $"there is no price for {model}")
            : Text(new QuoteDocument(quote), ApiJson.Default.QuoteDocument);
    }

    [McpServerTool(Name = "lend_budget")]
    [Description(
        "Takes a part of the budget out of every limit for a sub-agent. Its calls through the gate are paid out of that where they have "
            + "the "
        + "header X-Purser-From with the reservation's id; calls that do not go there are told with report_usage and that id. What is left "
        + "goes back with give_back_budget, or by itself when the time is over.")]
    public async Task<string> LendAsync(
        [Description("How many tokens.")] long tokens, [Description("The session of the sub-agent.")] string session,
        [Description("The model that it will use, for the money.")] string? model = null,
        [Description("The provider of that model.")] string? provider = null,
        [Description("For how many seconds, up to a day; an hour where it is not said.")] long seconds = 3600,
        [Description(accountText)] string? account = null)
    {
        var payer = Payer(account, Right.Hold);
        var estimate = new Estimate { Dimensions = new() { Provider = provider, Model = model, Session = session }, Tokens = tokens };
        return DecisionOf(await authority.SendAsync(payer,
            new Reserve(Guid.CreateVersion7().ToString("N"), estimate, seconds) { FreshId = true }));
    }

    [McpServerTool(Name = "give_back_budget", Idempotent = true)]
    [Description("Gives back what is left of a part that was lent.")]
    public async Task<string> GiveBackAsync([Description("The id of the reservation that lend_budget told.")] string reservation,
        [Description(accountText)] string? account = null)
    {
        var outcome = await authority.SendAsync(Payer(account, Right.Hold), new Release(reservation));
        return outcome is { Status: OutcomeStatus.Done, Answer: ReservationView view }
            ? Text(new ReservationDocument(view), ApiJson.Default.ReservationDocument) : throw Failed(outcome);
    }

    [McpServerTool(Name = "report_usage")]
    [Description("Books what a call really used: against a reservation where one was lent, else by itself. The same id is booked once.")]
    public async Task<string> ReportAsync(
        [Description("The model.")] string model, [Description("Tokens of the prompt.")] long inputTokens,
        [Description("Tokens of the answer.")] long outputTokens,
        [Description("An id of this call, such as the provider's request id: told again, it is not booked again.")] string id,
        [Description("The provider.")] string? provider = null,
        [Description("The reservation that the call is paid from.")] string? reservation = null,
        [Description(sessionText)] string? session = null, [Description(accountText)] string? account = null)
    {
        var payer = Payer(account, reservation is null ? Right.Record : Right.Hold);
        var usage = new Usage
        {
            Dimensions = new() { Provider = provider, Model = model, Session = session }, InputTokens = inputTokens,
            OutputTokens = outputTokens,
        };
        var outcome = await authority.SendAsync(payer,
            reservation is null ? new Record(id, usage) : new Settle(reservation, id, usage, Final: false));
        return outcome is { Status: OutcomeStatus.Done, Answer: Settlement settlement }
            ? Text(new SettlementDocument(settlement), ApiJson.Default.SettlementDocument) : throw Failed(outcome);
    }

    /// <summary>A refusal is an answer like any other: the agent reads why.</summary>
    static string DecisionOf(Outcome outcome) => outcome switch
    {
        { Status: OutcomeStatus.Done, Answer: Decision decision } => Text(new(decision), ApiJson.Default.DecisionDocument),
        { Answer: Decision refused } => Text(new RefusalDocument(Problems.Document(outcome), refused), ApiJson.Default.RefusalDocument),
        _ => throw Failed(outcome),
    };

    static McpException Failed(Outcome outcome) => new(outcome switch
    {
        { IsTransient: true } => "the budget can not be asked at the moment; try again",
        { Status: not OutcomeStatus.UnknownAccount, Field: { } field } => $"{field}: {outcome.Detail}",
        _ => $"{outcome.Detail}",
    });

    string Payer(string? account, Right needed)
    {
        var caller = Allow(needed);
        var payer = account ?? caller.Accounts.Only ?? throw new McpException("name the account");
        if (!Validity.IsAccountId(payer)) throw new McpException("account: must be an account id");
        return caller.Sees(payer) ? payer : throw new McpException($"there is no account '{payer}'");
    }

    Caller Allow(Right needed)
    {
        var caller = Caller.Of(context.HttpContext!);
        return caller.May(needed) ? caller : throw new McpException($"this needs the right {Rights.Listed(needed)}");
    }

    static string Text<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.Serialize(document, type);
}
