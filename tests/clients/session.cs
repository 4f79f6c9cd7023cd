// A session and a refusal by a client that Kiota made from the description.
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Microsoft.Kiota.Http.HttpClientLibrary.Middleware.Options;
using Purser.Made;
using Purser.Made.Models;

var purser = new PurserClient(new HttpClientRequestAdapter(new AnonymousAuthenticationProvider())
{
    BaseUrl = Environment.GetEnvironmentVariable("PURSER_URL"),
});
var account = purser.V1.Accounts[Environment.GetEnvironmentVariable("ACCOUNT")!];

await account.Policy.PutAsync(new Policy
{
    Limits = [new() { Id = "all", Unit = Limit_unit.Tokens, Window = "lifetime", Amount = new() { Int64 = 1000 } }],
});
var held = await account.Reservations.PostAsync(new Estimate { Id = "h1", Model = "gpt-4o", InputTokens = 300, MaxOutputTokens = 300 });
Console.WriteLine($"held {held!.Reservation!.Tokens} {held.Limits![0].Remaining!.Int64}");
try
{
    // A budget that is used up is not a server that is busy: asking again at once does not help.
    await account.Reservations.PostAsync(new Estimate { Id = "h2", Model = "gpt-4o", InputTokens = 300, MaxOutputTokens = 300 },
        request => request.Options.Add(new RetryHandlerOption { MaxRetry = 0 }));
}
catch (Refusal refused)
{
    Console.WriteLine($"refused {refused.BlockedBy![0].LimitId} {refused.BlockedBy[0].Requested!.Int64}");
}
var settled = await account.Reservations["h1"].Settle.PostAsync(new Settle { InputTokens = 250, OutputTokens = 100 });
Console.WriteLine($"settled {settled!.Tokens} {settled.Overrun}");
