// A host with the usage of some weeks, played from a made-up trace, and a real browser to look at it; shared by all classes.
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Api;
using Purser.Ledgers.Memory;

namespace Purser.Dashboard.Tests;

[CollectionDefinition(Name)]
public sealed class Staged : ICollectionFixture<Stage>
{
    public const string Name = "stage";
}

public sealed class Stage : IAsyncLifetime
{
    public const string AdminKey = "the-first-key-of-the-tests";

    IPlaywright? playwright;
    IBrowser? browser;
    RunningHost? guarded;

    /// <summary>A host that wants a key, with the played usage.</summary>
    public RunningHost Guarded => guarded!;

    public IBrowser Browser => browser!;

    /// <summary>Another browser, of which the caller disposes.</summary>
    public Task<IBrowser> LaunchAsync(params string[] arguments) => BrowserHere.LaunchAsync(playwright!, arguments);

    public async Task InitializeAsync()
    {
        guarded = await RunningHost.StartAsync(AdminKey);
        await Play.UsageAsync(guarded.Client);
        playwright = await Playwright.CreateAsync();
        browser = await BrowserHere.LaunchAsync(playwright);
    }

    /// <summary>A person in front of a host: signed in with a key, or not.</summary>
    public async Task<Person> PersonAsync(RunningHost host, string? key = AdminKey, ColorScheme theme = ColorScheme.Light, int width = 1280,
        string zone = "Europe/Berlin", string language = "en-US")
    {
        var context = await Browser.NewContextAsync(new()
        {
            BaseURL = host.Address, ColorScheme = theme, ViewportSize = new() { Width = width, Height = 900 }, Locale = language,
            TimezoneId = zone, ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(BrowserHere.Patience);
        var person = new Person(context, await context.NewPageAsync());
        if (key is not null) await person.SignInAsync(key);
        return person;
    }

    public async Task DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
        if (guarded is not null) await guarded.DisposeAsync();
    }
}

/// <summary>A host behind a real server on a free port, and a client with its first key.</summary>
public sealed class RunningHost(WebApplication app, HttpClient client, MemoryLedger ledger) : IAsyncDisposable
{
    public HttpClient Client => client;

    public string Address => client.BaseAddress!.ToString().TrimEnd('/');

    public static Task<RunningHost> StartAsync(string? key, params (string Name, string Value)[] settings) =>
        StartAsync(key, new(), "http://127.0.0.1:0", settings);

    public MemoryLedger Ledger => ledger;

    /// <summary>Ends the host as a crash does for those who look: its connections are gone; the ledger stays.</summary>
    public async Task FallAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    public static Task<RunningHost> StartAsync(string? key, MemoryLedger ledger, string address,
        params (string Name, string Value)[] settings) => StartAsync(key, ledger, address, _ => { }, settings);

    /// <param name="change">Puts something of a test in the place of what the host has.</param>
    public static async Task<RunningHost> StartAsync(string? key, MemoryLedger ledger, string address, Action<IServiceCollection> change,
        params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_WEBHOOK_TARGETS"] = "any";
        foreach (var (name, value) in settings) builder.Configuration[name] = value;
        var options = new ServerOptions { Urls = address, Ledger = "memory", AdminKey = key };
        var app = Server.Build(builder, options, services => change(services.AddEmbeddedHost(ledger, options)));
        await app.StartAsync();
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new(app.Urls.First()) };
        if (key is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new(app, client, ledger);
    }

    public async Task<JsonElement> GetAsync(string address)
    {
        using var answer = await client.GetAsync(address);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{address}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public async Task<JsonElement> SendAsync(HttpMethod method, string address, string json)
    {
        using var request = new HttpRequestMessage(
            method, address) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        using var answer = await client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{address}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>A key for some accounts.</summary>
    public async Task<string> KeyAsync(string name, string[] rights, params string[] accounts) => (await SendAsync(
        HttpMethod.Post, "/v1/keys", JsonSerializer.Serialize(new { name, rights, accounts }))).GetProperty("key").GetString()!;

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
        await ledger.DisposeAsync();
    }
}
