// `tokens FILE`: how many tokens a text has. Needs no host and no ledger.
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Purser.TokenCounting;
using Spectre.Console;

namespace Purser.Api;

static class TokensCommand
{
    public static Command Build(IAnsiConsole console)
    {
        var file = new Argument<string>("FILE") { Description = "The text, in UTF-8; `-` reads what is piped in." };
        var model = new Option<string?>(
            "--model") { Description = "Count as for this model, such as gpt-4o, claude-opus-4-5 or google/gemini-2.5-pro." };
        var encoding = new Option<string?>(
            "--encoding") { Description =
                $"Count by this table: {string.Join(" or ", ModelProfile.Encodings)} (the first where neither is given)." };
        file.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', _, ..] and var text }, ..]) result.AddError($"'{text}' is not an option of this command");
        });
        encoding.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var name }] && ModelProfile.OfEncoding(name) is null)
                result.AddError($"--encoding '{name}' must be {string.Join(" or ", ModelProfile.Encodings)}");
        });
        var command = new Command("tokens", "Count the tokens of a text.") { file, model, encoding };
        command.Validators.Add(result =>
        {
            if (result.GetResult(model) is not null && result.GetResult(encoding) is not null)
                result.AddError("Give --model or --encoding, not both.");
        });
        var screen = new OperationScreen(console);
        screen.Runs(command, async (parsed, cancellation) =>
        {
            var profile = parsed.GetValue(model) is { } name
                ? Of(name) : ModelProfile.OfEncoding(parsed.GetValue(encoding) ?? ModelProfile.Encodings[0])!;
            var path = parsed.GetValue(file)!;
            try
            {
                await using var from = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                var count = await CountAsync(profile.Counter, from, cancellation);
                var known = profile.Family != ModelFamily.Other;
                if (screen.Json)
                    return screen.Print(new JsonObject
                    {
                        ["tokens"] = count, ["method"] = profile.Counter.Method, ["exact"] = profile.Counter.IsExact,
                            ["modelKnown"] = known,
                    });
                screen.Say(string.Create(CultureInfo.InvariantCulture, $"{count} tokens ({profile.Counter.Method})"));
                if (!known)
                    screen.Say($"No tokenizer of '{parsed.GetValue(model)}' is known here: this is what other models need, with something "
                        + "added.");
                return ExitCodes.Done;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new NoLedgerException(fault.Message, ExitCodes.WrongUsage);
            }
        });
        return command;
    }

    /// <summary>`google/gemini-2.5-pro`: what stands before the first slash is the provider.</summary>
    static ModelProfile Of(string name) => name.Split('/', 2) is [var provider, var model] ? ModelProfile.Of(provider, model)
        : ModelProfile.Of(null, name);

    /// <summary>Piece by piece: a text may be larger than the memory.</summary>
    static async Task<long> CountAsync(ITokenCounter counter, Stream from, CancellationToken cancellation)
    {
        // As a model gets it: a mark of the byte order is a character like any other.
        using var reader = new StreamReader(from, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: false);
        var count = counter.Begin();
        var buffer = new char[64 * 1024];
        while (await reader.ReadAsync(buffer, cancellation) is > 0 and var read) count.Append(buffer.AsSpan(0, read));
        return count.Count();
    }
}
