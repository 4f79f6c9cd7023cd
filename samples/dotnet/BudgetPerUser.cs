// A web application in which every user has a budget: a middleware says whose calls they are, and a refusal is a 429 of one's own.
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class BudgetPerUser
{
    public static WebApplication Build(IBudget purser, IChatClient provider, params string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddSingleton(purser);
        builder.Services.AddChatClient(provider).UseBudget();
        var app = builder.Build();
        app.Use(async (http, next) =>
        {
            // Whoever signed in; a header stands for that here.
            var user = http.Request.Headers["X-User"].FirstOrDefault() ?? "anonymous";
            using (BudgetScope.Begin(new() { Account = $"user:{user}", User = user }))
                try
                {
                    await next(http);
                }
                catch (BudgetRefusedException refused)
                {
                    http.Response.StatusCode = StatusCodes.Status429TooManyRequests;
                    await http.Response.WriteAsync(refused.Message);
                }
        });
        app.MapGet("/ask", async (string question, IChatClient chat) =>
            (await chat.GetResponseAsync(question, new() { MaxOutputTokens = 300 })).Text);
        return app;
    }
}
