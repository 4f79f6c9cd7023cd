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
        "PURSER_TLS_CERTIFICATE is needed for an https:// address, and PURSER_TLS_KEY with it")]
    [InlineData("PURSER_TLS_KEY", "key.pem", "PURSER_TLS_CERTIFICATE is needed with PURSER_TLS_KEY: both are PEM files")]
    [InlineData("PURSER_URLS", "ftp://127.0.0.1:21",
        "PURSER_URLS must be addresses such as http://127.0.0.1:8080, separated by semicolons, not 'ftp://127.0.0.1:21'")]
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

    [Theory]
    [InlineData("--port=9090", "--port is not a setting: did you mean --PURSER_URLS?; `--help` lists them")]
    [InlineData("--urls", "--urls is not a setting: did you mean --PURSER_URLS?; `--help` lists them")]
    [InlineData("--data", "--data is not a setting: did you mean --PURSER_DATA?; `--help` lists them")]
    [InlineData("--PURSER_LEGDER=memory", "--PURSER_LEGDER is not a setting: did you mean --PURSER_LEDGER?; `--help` lists them")]
    [InlineData("--PURSER_REDIS=x", "--PURSER_REDIS is a setting of the other executable, not of this one")]
    [InlineData("--whatever-it-is", "--whatever-it-is is not a setting; `--help` lists them")]
    [InlineData("-p", "'-p' is not understood here: settings are given as --PURSER_URLS=VALUE")]
    public void An_argument_that_nothing_reads_is_refused_with_the_right_name(string argument, string problem) =>
        Assert.Equal([problem], Unread([argument]));

    [Theory]
    [InlineData("PURSER_LEGDER", "PURSER_LEGDER is not a setting: did you mean PURSER_LEDGER?; `--help` lists them")]
    [InlineData("PURSER_RETENTION", "PURSER_RETENTION is not a setting: did you mean PURSER_RETENTION_DAYS?; `--help` lists them")]
    public void A_variable_that_nothing_reads_is_refused_with_the_right_name(string name, string problem) =>
        Assert.Equal([problem], Unread([], (name, "x")));

    [Fact]
    public void Settings_and_what_others_say_under_the_prefix_are_taken()
    {
        Assert.Empty(Unread(["--PURSER_DATA=d", "--purser_urls", "http://127.0.0.1:1", "--Logging:LogLevel:Default=Debug"],
            ("PURSER_LEDGER", "sqlite"),
            ("PURSER_REDIS", "x"), ("PURSER_TEST_PG", "x"), ("PATH", "x"), ("PURSER_API_SERVICE_HOST", "10.0.0.1"),
            ("PURSER_API_PORT_8080_TCP_ADDR", "10.0.0.1"), ("PURSER_API_PORT", "tcp://10.0.0.1:8080")));
    }

    static IReadOnlyList<string> Unread(string[] args, params (string Name, string Value)[] settings) =>
        SettingNames.Problems(args, Settings(settings), ServerOptions.Names, ServerOptions.ClusterNames);

    [Theory]
    [InlineData("a-long-key\n", "a-long-key")]
    [InlineData(" a-long-key\r\n", "a-long-key")]
    [InlineData("correct horse\n", "correct horse")]
    [InlineData("", null)]
    public void A_line_break_after_a_key_is_not_part_of_it(string given, string? key) =>
        Assert.Equal(key, ServerOptions.Of(Settings(("PURSER_ADMIN_KEY", given))).AdminKey);

    [Theory]
    [InlineData("        ", "PURSER_ADMIN_KEY must have at least 8 characters")]
    [InlineData(
        "a-key-of-\u00e9-signs",
            "PURSER_ADMIN_KEY must have letters, digits and signs of ASCII: it is sent in a header")]
    public void Blanks_alone_are_no_key_and_signs_beyond_a_header_neither(string given, string problem) =>
        Assert.Equal([problem], ServerOptions.Of(Settings(("PURSER_ADMIN_KEY", given))).Problems());

    [Fact]
    public async Task A_key_may_be_in_a_file()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "key");
        await File.WriteAllTextAsync(file, "a-long-key\n");
        Assert.Equal("a-long-key", ServerOptions.Of(Settings(("PURSER_ADMIN_KEY_FILE", file))).AdminKey);
        Assert.Contains(ServerOptions.Of(Settings(("PURSER_ADMIN_KEY_FILE", file + "2"))).Problems(), problem =>
            problem == $"PURSER_ADMIN_KEY_FILE names {file}2, which can not be read");
    }

    [Theory]
    [InlineData("PURSER_RATE_LIMIT", "600",
        "PURSER_RATE_LIMIT must be requests/seconds such as 600/60 (1 to 1000000 in 1 to 86400), not '600'")]
    [InlineData("PURSER_RATE_LIMIT", "0/60",
        "PURSER_RATE_LIMIT must be requests/seconds such as 600/60 (1 to 1000000 in 1 to 86400), not '0/60'")]
    [InlineData("PURSER_MOST_REQUESTS", "none", "PURSER_MOST_REQUESTS must be a whole number from 1 to 1000000, not 'none'")]
    [InlineData("PURSER_REQUESTS_AT_ONCE", "0", "PURSER_REQUESTS_AT_ONCE must be a whole number from 1 to 1000000, not '0'")]
    [InlineData("PURSER_ACCOUNT_AT_ONCE", "-1", "PURSER_ACCOUNT_AT_ONCE must be a whole number from 1 to 1000000, not '-1'")]
    [InlineData("PURSER_AUDIT_SEAL_HOURS", "8761", "PURSER_AUDIT_SEAL_HOURS must be a whole number from 1 to 8760, not '8761'")]
    public void Limits_on_callers_that_make_no_sense_are_named(string name, string value, string problem) =>
        Assert.Equal([problem], Api.Access.AccessOptions.Of(Settings((name, value)), null).Problems());

    [Theory]
    [InlineData("PURSER_EVENT_LISTENERS", "0", "PURSER_EVENT_LISTENERS must be a whole number from 1 to 1000000, not '0'")]
    [InlineData("PURSER_EVENT_LISTENERS", "many", "PURSER_EVENT_LISTENERS must be a whole number from 1 to 1000000, not 'many'")]
    [InlineData("PURSER_WEBHOOK_TARGETS", "all", "PURSER_WEBHOOK_TARGETS must be internet or any, not 'all'")]
    public void Settings_of_telling_that_make_no_sense_are_named(string name, string value, string problem) =>
        Assert.Equal([problem], Api.Events.EventRegistration.Problems(Settings((name, value))));

    [Fact]
    public void The_help_names_every_setting_with_what_is_usual()
    {
        using var text = new StreamReader(typeof(Server).Assembly.GetManifestResourceStream("help.txt")!);
        var help = text.ReadToEnd();
        Assert.All(ServerOptions.Names.Concat(ServerOptions.ClusterNames), name => Assert.Matches($"(?m)^  {name} +\\S+ +\\S", help));
        var usual = new ServerOptions();
        foreach (var (name, value) in new[] { ("URLS", usual.Urls), ("DATA", usual.Data), ("LEDGER", usual.Ledger), ("LOG", usual.Log),
            ("UNKNOWN_ACCOUNTS", usual.UnknownAccounts), ("COMPACTION", usual.Compaction), ("LOG_FORMAT", usual.LogFormat),
            ("RETENTION_DAYS", $"{usual.RetentionDays}"), ("ACCOUNTS_IN_MEMORY", $"{usual.AccountsInMemory}") })
            Assert.Matches($"(?m)^  PURSER_{name} +{System.Text.RegularExpressions.Regex.Escape(value)} ", help);
    }
}
