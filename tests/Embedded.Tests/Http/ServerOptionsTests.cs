// Settings: none at all is a working host, a wrong one is named, and nothing is open to the world without a key.
using Microsoft.Extensions.Configuration;
using Purser.Api;

namespace Purser.Embedded.Tests.Http;

public sealed class ServerOptionsTests
{
    static IConfiguration Settings(params (string Name, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value))).Build();

    [Fact]
    public void Nothing_set_is_fine()
    {
        var options = ServerOptions.Of(Settings());
        Assert.Empty(options.Problems());
        Assert.Equal(("http://127.0.0.1:8080", "./data", "sqlite", null, "create"),
            (options.Urls, options.Data, options.Ledger, options.AdminKey, options.UnknownAccounts));
    }

    [Theory]
    [InlineData("PURSER_LEDGER", "mysql", "PURSER_LEDGER must be sqlite, postgres or memory, not 'mysql'")]
    [InlineData("PURSER_LEDGER", "postgres",
        "PURSER_POSTGRES is needed with PURSER_LEDGER=postgres: a connection string such as "
            + "Host=127.0.0.1;Username=purser;Database=purser")]
    [InlineData("PURSER_UNKNOWN_ACCOUNTS", "maybe", "PURSER_UNKNOWN_ACCOUNTS must be create or refuse, not 'maybe'")]
    [InlineData("PURSER_COMPACTION", "true", "PURSER_COMPACTION must be on or off, not 'true'")]
    [InlineData("PURSER_DATA", "", "PURSER_DATA must be a folder")]
    [InlineData("PURSER_ADMIN_KEY", "short", "PURSER_ADMIN_KEY must have at least 8 characters")]
    [InlineData("PURSER_URLS", "8080", "PURSER_URLS must be addresses such as http://127.0.0.1:8080, separated by semicolons, not '8080'")]
    [InlineData("PURSER_URLS", "https://127.0.0.1:8443",
        "PURSER_URLS must be addresses such as http://127.0.0.1:8080, separated by semicolons, not 'https://127.0.0.1:8443'")]
    public void A_wrong_value_is_named_in_one_line(string name, string value, string problem) =>
        Assert.Equal([problem], ServerOptions.Of(Settings((name, value))).Problems());

    [Theory]
    [InlineData("http://0.0.0.0:8080")]
    [InlineData("http://*:8080")]
    [InlineData("http://+:8080")]
    [InlineData("http://[::]:8080")]
    [InlineData("http://purser.example:8080")]
    [InlineData("http://192.168.0.7:8080")]
    [InlineData("http://127.0.0.1:8080;http://0.0.0.0:9090")]
    public void Listening_beyond_this_machine_needs_a_key(string urls)
    {
        var problem = Assert.Single(ServerOptions.Of(Settings(("PURSER_URLS", urls))).Problems());
        Assert.StartsWith("PURSER_URLS reaches beyond this machine: set PURSER_ADMIN_KEY", problem, StringComparison.Ordinal);
        Assert.Empty(ServerOptions.Of(Settings(("PURSER_URLS", urls), ("PURSER_ADMIN_KEY", "12345678"))).Problems());
    }

    [Theory]
    [InlineData("http://localhost:1")]
    [InlineData("http://127.0.0.2:0")]
    [InlineData("http://[::1]:8080;http://127.0.0.1:8080")]
    public void Listening_on_this_machine_needs_none(string urls) =>
        Assert.Empty(ServerOptions.Of(Settings(("PURSER_URLS", urls))).Problems());

    [Fact]
    public void What_nobody_reads_is_told() =>
        Assert.Equal(["PURSER_LEGDER", "PURSER_REDIS"],
            ServerOptions.Unknown(Settings(("PURSER_LEGDER", "sqlite"), ("PURSER_REDIS", "x"), ("PURSER_DATA", "d"), ("PATH", "x"))));
}
