// Quotes and prices over HTTP: exact, explained, and changed by hand where the catalogue is not what somebody pays.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class PriceConformance(HttpFacade host)
{
    [Fact]
    public async Task A_quote_is_exact_and_lists_its_parts() => (await host.Post("/v1/quotes", """
        {"provider":"anthropic","model":"claude-sonnet-4-5","usage":{"inputTokens":300000,"cachedInputTokens":100000,"cacheWrite5mTokens":50000,"outputTokens":1001,"webSearches":2}}
        """)).Is(200, """
        {"provider":"anthropic","model":"claude-sonnet-4-5","cost":"1.3775225","currency":"USD","priceVersion":"catalogue-2026-11-30",
         "parts":[{"kind":"input","count":150000,"rate":"6","per":1000000,"cost":"0.9"},{"kind":"cachedInput","count":100000,"rate":"0.6","per":1000000,"cost":"0.06"},
                  {"kind":"cacheWrite5m","count":50000,"rate":"7.5","per":1000000,"cost":"0.375"},{"kind":"output","count":1001,"rate":"22.5","per":1000000,"cost":"0.0225225"},
                  {"kind":"perWebSearchMedium","count":2,"rate":"0.01","per":1,"cost":"0.02"}],
         "multipliers":[],"cacheSaving":"0.465"}
        """);

    [Fact]
    public async Task The_parts_of_a_quote_add_up_with_its_factors()
    {
        var quote = (await host.Post("/v1/quotes", """{"model":"claude-fable-5","usage":{"inputTokens":1000,"imageInputTokens":400,"outputTokens":10},"region":"US","serviceTier":"batch"}""")).Json;
        Assert.Equal("0.005775", quote.GetProperty("cost").GetString());
        Assert.Equal(["0.0033", "0.0022", "0.000275"], quote.GetProperty("parts").EnumerateArray()
            .Select(part => part.GetProperty("cost").GetString()));
        Assert.Equal("input", quote.GetProperty("parts")[1].GetProperty("rateOf").GetString());
        Assert.Equal("""[{"name":"region.us","factor":"1.1"}]""", quote.GetProperty("multipliers").GetRawText());
    }

    [Fact]
    public async Task Two_to_the_fortieth_and_more_tokens_stay_exact()
    {
        Assert.Equal("2748779.06944", (await host.Post("/v1/quotes", """{"provider":"openai","model":"gpt-4o","usage":{"inputTokens":1099511627776}}""")).Member("cost"));
        Assert.Equal("810647932926.68937", (await host.Post("/v1/quotes",
            """{"provider":"anthropic","model":"claude-opus-4-1","usage":{"inputTokens":9007199254740993,"outputTokens":9007199254740993}}""")).Member("cost"));
    }

    [Theory]
    [InlineData("""{"model":"gpt-4o"}""", 400, "invalid", "usage")]
    [InlineData("""{"usage":{}}""", 400, "invalid", "model")]
    [InlineData("""{"model":"gpt-4o","usage":{"inputTokens":-1}}""", 400, "invalid", "usage.inputTokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"inputTokens":1.5}}""", 400, "invalid", "usage.inputTokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"inputTokens":1,"cachedInputTokens":2}}""", 400, "invalid", "usage.inputTokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"inputTokens":10,"cachedInputTokens":9223372036854775807,"cacheWrite5mTokens":9223372036854775807}}""", 400, "invalid", "usage.inputTokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"inputTokens":9223372036854775808}}""", 400, "invalid", "usage.inputTokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"tokens":1}}""", 400, "invalid", "usage.tokens")]
    [InlineData("""{"model":"gpt-4o","usage":{"user":"ann"}}""", 400, "invalid", "usage")]
    [InlineData("""{"model":"gpt-4o","usage":{"webSearchContext":"huge"}}""", 400, "invalid", "usage.webSearchContext")]
    [InlineData("""{"model":"gpt-4o","usage":{},"at":"yesterday"}""", 400, "invalid", "at")]
    [InlineData("""{"model":"no-such-model","usage":{}}""", 422, "unknown-model", "model")]
    [InlineData("""{"provider":"anthropic","model":"claude","usage":{}}""", 422, "unknown-model", "model")]
    [InlineData("""{"model":"gpt-4","usage":{"inputTokens":10,"webSearches":1}}""", 422, "no-price", "usage.webSearches")]
    public async Task A_wrong_question_is_refused_by_its_field(string body, int code, string slug, string field) =>
        (await host.Post("/v1/quotes", body)).IsProblem(code, slug, field);

    [Fact]
    public async Task Many_usages_are_quoted_at_once_each_for_itself()
    {
        var reply = (await host.Post("/v1/quotes", """
            [{"model":"gpt-4o","usage":{"inputTokens":1000}},{"model":"nobody","usage":{}},{"model":"gpt-4o","usage":{"inputTokens":-1}},
             {"provider":"openai","model":"gpt-4o","usage":{"outputTokens":1}},{"colour":"red"}]
            """)).Json;
        Assert.Equal(["0.0025", "unknown-model model", "invalid usage.inputTokens", "0.00001", "invalid colour"],
            reply.GetProperty("items").EnumerateArray().Select(item => item.TryGetProperty("quote", out var quote)
                ? quote.GetProperty("cost").GetString()
                : $"{item.GetProperty("problem").GetProperty("type").GetString()!.Split(':')[^1]} "
                    + item.GetProperty("problem").GetProperty("field").GetString()));
        Assert.Equal("""[{"currency":"USD","cost":"0.00251"}]""", reply.GetProperty("totals").GetRawText());
        Assert.Equal("""{"items":[],"totals":[]}""", (await host.Post("/v1/quotes", "[]")).Text);
    }

    [Fact]
    public async Task An_amount_is_told_in_another_currency_at_the_rate_of_its_time()
    {
        await host.Put("/v1/exchange-rates", """
            {"base":"USD","rates":[{"currency":"SEK","rate":"10","effectiveFrom":"2026-01-01T00:00:00Z"},
             {"currency":"SEK","rate":"9.5","effectiveFrom":"2026-02-01T00:00:00Z"},{"currency":"DKK","rate":"3","effectiveFrom":"2026-01-01T00:00:00Z"}]}
            """);
        (await host.Get("/v1/exchange-rates/convert?amount=12.5&from=USD&to=SEK&at=2026-01-15")).Is(200,
            """{"amount":"12.5","from":"USD","to":"SEK","at":"2026-01-15T00:00:00Z","converted":"125","rate":"10"}""");
        var now = (await host.Get("/v1/exchange-rates/convert?amount=19&from=SEK&to=DKK")).Json;
        Assert.Equal("6", now.GetProperty("converted").GetString());
        Assert.Equal("0.333333333333333334", (await host.Get("/v1/exchange-rates/convert?amount=1&from=DKK&to=USD")).Member("converted"));
        Assert.Equal("7", (await host.Get("/v1/exchange-rates/convert?amount=7&from=CHF&to=CHF")).Member("converted"));
        foreach (var (query, status, slug, field) in ((string, int, string, string)[])[
            ("from=USD&to=SEK", 400, "invalid", "amount"), ("amount=-1&from=USD&to=SEK", 400, "invalid", "amount"),
            ("amount=1&to=SEK", 400, "invalid", "from"), ("amount=1&from=USD&to=euro", 400, "invalid", "to"),
            ("amount=1&from=USD&to=SEK&at=2025-12-31", 422, "unprocessable", "to"), ("amount=1&from=USD&to=CHF", 422, "unprocessable", "to")])
            (await host.Get("/v1/exchange-rates/convert?" + query)).IsProblem(status, slug, field);
    }

    [Fact]
    public async Task Models_are_compared_cheapest_first()
    {
        var reply = await host.Post("/v1/quotes/compare", """
            {"provider":"openai","model":"gpt-4o","models":["openai/gpt-4.1","gpt-4o-mini","nobody/knows","openai/gpt-4o"],"usage":{"inputTokens":1000000,"outputTokens":1000000}}
            """);
        Assert.Equal(200, reply.Code);
        Assert.Equal("openai/gpt-4o", reply.Member("baseline"));
        Assert.Equal(
            [("gpt-4o-mini", 1, "0.75", "11.75", 94m), ("openai/gpt-4.1", 2, "10", "2.5", 20m), ("openai/gpt-4o", 3, "12.5", "0", 0m)],
            reply.Json.GetProperty("items").EnumerateArray().Select(item => (
                item.GetProperty("asked").GetString()!, item.GetProperty("rank").GetInt32(), item.GetProperty("cost").GetString()!,
                    item.GetProperty("saving").GetString()!,
                item.GetProperty("savingPercent").GetDecimal())));
        Assert.Equal(["nobody/knows"], reply.Json.GetProperty("incomparable").EnumerateArray()
            .Select(item => item.GetProperty("asked").GetString()));
        (await host.Post("/v1/quotes/compare", """{"models":[],"usage":{}}""")).IsProblem(400, "invalid", "models");
        (await host.Post("/v1/quotes/compare", """{"models":["gpt-4o"],"usage":{"inputTokens":-1}}""")).IsProblem(400, "invalid", "usage.inputTokens");
        (await host.Post("/v1/quotes/compare", """{"model":"nobody","models":["gpt-4o"],"usage":{"inputTokens":1}}""")).IsProblem(422, "unknown-model", "model");
    }

    [Fact]
    public async Task The_catalogue_is_listed_page_by_page_and_searched()
    {
        var seen = new HashSet<string>();
        string? cursor = null;
        do
        {
            var page =
                (await host.Get(
                    $"/v1/prices?custom=false&limit=1000{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}")).Json;
            foreach (var item in page.GetProperty("items").EnumerateArray())
                Assert.True(seen.Add($"{item.GetProperty("provider")}/{item.GetProperty("model")}"));
            cursor = page.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);
        Assert.True(seen.Count > 2000, $"{seen.Count} prices");
        var found = (await host.Get("/v1/prices?search=GPT-4O-2024&provider=azure&limit=3")).Json.GetProperty("items");
        Assert.All(found.EnumerateArray(), item => Assert.Equal("azure-openai", item.GetProperty("provider").GetString()));
        (await host.Get("/v1/prices?limit=0")).IsProblem(400, "invalid", "limit");
        (await host.Get("/v1/prices?cursor=x")).IsProblem(400, "invalid", "cursor");
    }

    [Fact]
    public async Task A_price_is_found_under_every_name_of_its_model()
    {
        foreach (var path in (string[])["/v1/prices/openai/gpt-4o", "/v1/prices/OpenAI/GPT-4O-2024-08-06",
            "/v1/prices/openai/openai/gpt-4o", "/v1/prices/openai/openai%2Fgpt-4o"])
        {
            var price = (await host.Get(path)).Json;
            Assert.Equal(("gpt-4o", "catalogue-2026-11-30", "2.5", false), (
                price.GetProperty("model").GetString(), price.GetProperty("priceVersion").GetString(), price.GetProperty("rates")
                    .GetProperty("input").GetString(),
                price.GetProperty("custom").GetBoolean()));
        }
        (await host.Get("/v1/prices/openai/gpt")).IsProblem(404, "not-found", "model");
        (await host.Get("/v1/prices/nobody/gpt-4o")).IsProblem(404, "not-found", "model");
    }

    [Fact]
    public async Task A_custom_price_wins_within_its_period_and_is_audited()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        var first = await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1","output":"2"},"effectiveUntil":"2026-02-01T00:00:00Z","changedBy":"ann","reason":"contract"}""");
        Assert.Equal((200, "true"), (first.Code, first.Json.GetProperty("custom").GetRawText()));
        var second = await host.Put($"/v1/prices/house/{model}", """
            {"rates":{"input":"1","output":"2"},"effectiveUntil":"2026-02-01T00:00:00Z","changedBy":"bob",
             "otherPeriods":[{"effectiveFrom":"2026-02-01T00:00:00Z","rates":{"input":"3","output":"4"}}]}
            """);
        var versions = (string[])[first.Member("priceVersion")!, second.Member("priceVersion")!];
        Assert.All(versions, version => Assert.StartsWith("custom-", version, StringComparison.Ordinal));
        Assert.NotEqual(versions[0], versions[1]);
        var history = (await host.Get($"/v1/prices/house/{model}")).Json.GetProperty("history");
        Assert.Equal([("ann", false, true), ("bob", true, true)], history.EnumerateArray().Select(change => (
            change.GetProperty("changedBy").GetString()!, change.GetProperty("before").ValueKind != JsonValueKind.Null,
                change.GetProperty("after").ValueKind != JsonValueKind.Null)));

        Assert.Equal("0.001", await Cost("2026-01-31T23:59:59Z"));
        Assert.Equal("0.003", await Cost("2026-02-01T00:00:00Z"));
        // Found without its provider too, and used for what is booked.
        var booked = await host.Post($"/v1/accounts/{account}/usage", $$"""{"model":"{{model}}","inputTokens":1000,"timestamp":"2026-01-15T00:00:00Z"}""");
        Assert.Equal(("0.001", versions[1]), (booked.Member("cost"), booked.Member("priceVersion")));

        Assert.Equal(204, (await host.Delete($"/v1/prices/house/{model}")).Code);
        (await host.Get($"/v1/prices/house/{model}")).IsProblem(404, "not-found", "model");
        (await host.Delete($"/v1/prices/house/{model}")).IsProblem(404, "not-found", "model");

        async Task<string?> Cost(string at) => (await host.Post("/v1/quotes", $$"""{"provider":"house","model":"{{model}}","usage":{"inputTokens":1000},"at":"{{at}}"}""")).Member("cost");
    }

    [Fact]
    public async Task What_a_price_gives_away_in_a_day_costs_nothing_and_is_told()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        var price = await host.Put($"/v1/prices/house/{model}", """
            {"rates":{"input":"1","perWebSearch":{"medium":"0.014"}},
             "allowances":[{"of":["perWebSearch"],"free":"5","per":"day","timeZone":"America/Los_Angeles"}]}
            """);
        Assert.Equal($"house/{model}:perWebSearchLow+perWebSearchMedium+perWebSearchHigh",
            price.Json.GetProperty("allowances")[0].GetProperty("name").GetString());
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"m","unit":"cost","window":"month","amount":"1"}]}""");
        // The first day of the month is over in California when it is over in London.
        var first = await Book("2026-11-10T12:00:00Z", 4);
        Assert.Equal(("0", "4"), (first.Member("cost"), first.Json.GetProperty("allowances")[0].GetProperty("count").GetRawText()));
        Assert.Equal("0.028", (await Book("2026-11-10T18:00:00Z", 3)).Member("cost"));
        Assert.Equal("0.014", (await Book("2026-11-11T07:59:59Z", 1)).Member("cost"));
        Assert.Equal("0", (await Book("2026-11-11T08:00:00Z", 5)).Member("cost"));
        // A hold covers what may turn out to be free; the quote tells what an account would pay.
        Assert.Equal("0.028", (await host.Post($"/v1/accounts/{account}/reservations",
            $$"""{"provider":"house","model":"{{model}}","inputTokens":0,"maxOutputTokens":0,"webSearches":2}""")).Json
            .GetProperty("reservation").GetProperty("cost").GetString());
        var quote = (await host.Post("/v1/quotes",
            $$"""{"provider":"house","model":"{{model}}","account":"{{account}}","at":"2026-11-11T07:00:00Z","usage":{"webSearches":7} }""")).Json;
        Assert.Equal(("0.098", "0.098"), (quote.GetProperty("cost").GetString(), quote.GetProperty("charged").GetProperty("cost")
            .GetString()));
        var later = (await host.Post("/v1/quotes",
            $$"""{"provider":"house","model":"{{model}}","account":"{{account}}","at":"2026-11-12T09:00:00Z","usage":{"webSearches":7} }""")).Json;
        Assert.Equal(("0.098", "0.028"), (later.GetProperty("cost").GetString(), later.GetProperty("charged").GetProperty("cost")
            .GetString()));
        // Taken back, its share is free again.
        await host.Post($"/v1/accounts/{account}/usage/{first.Member("usageId")}/void", """{"by":"ann","reason":"never made"}""");
        Assert.Equal("0", (await Book("2026-11-10T19:00:00Z", 4)).Member("cost"));
        var records = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray();
        Assert.Equal(-4, records.Single(one => one.GetProperty("kind").GetString() == "void").GetProperty("allowances")[0]
            .GetProperty("count")
            .GetDecimal());
        (await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1"},"allowances":[{"of":["tokens"],"free":"0","per":"day"}]}"""))
            .IsProblem(400, "invalid", "allowances[0].free");
        await host.Delete($"/v1/prices/house/{model}");

        Task<Reply> Book(string at, int searches) => host.Post($"/v1/accounts/{account}/usage",
            $$"""{"provider":"house","model":"{{model}}","webSearches":{{searches}},"timestamp":"{{at}}"}""");
    }

    [Fact]
    public async Task A_custom_price_stands_over_the_catalogues_only_where_it_holds()
    {
        const string path = "/v1/prices/openai/gpt-4-turbo";
        await host.Put(path, """{"rates":{"input":"100","output":"100"},"effectiveFrom":"2030-01-01T00:00:00Z"}""");
        Assert.Equal("0.01", await Cost("2029-12-31T23:59:59Z"));
        Assert.Equal("0.1", await Cost("2030-01-01T00:00:00Z"));
        Assert.Equal("0.1", await Cost("2030-01-01T00:00:00Z", "openai/gpt-4-turbo-2024-04-09"));
        await host.Delete(path);
        Assert.Equal("0.01", await Cost("2030-01-01T00:00:00Z"));

        async Task<string?> Cost(string at, string model = "gpt-4-turbo") =>
            (await host.Post("/v1/quotes", $$"""{"model":"{{model}}","usage":{"inputTokens":1000},"at":"{{at}}"}""")).Member("cost");
    }

    [Theory]
    [InlineData("""{}""", "rates")]
    [InlineData("""{"rates":{"input":"-1"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":"1e-6"}}""", "rates.input")]
    [InlineData("""{"rates":{"input":1}}""", "rates.input")]
    [InlineData("""{"rates":{"inputs":"1"}}""", "rates.inputs")]
    [InlineData("""{"rates":{"input":"1"},"currency":"QQQ"}""", "currency")]
    [InlineData("""{"rates":{"input":"1"},"currency":"usd"}""", "currency")]
    [InlineData("""{"rates":{"input":"1"},"otherPeriods":[{"rates":{"input":"2"}}]}""", "otherPeriods[0].effectiveFrom")]
    [InlineData("""{"rates":{"input":"1"},"effectiveUntil":"2026-02-01T00:00:00Z","otherPeriods":[{"effectiveFrom":"2026-01-31T00:00:00Z","rates":{"input":"2"}}]}""", "otherPeriods[0].effectiveFrom")]
    [InlineData("""{"rates":{"input":"1"},"effectiveFrom":"2026-02-01T00:00:00Z","effectiveUntil":"2026-01-01T00:00:00Z"}""", "effectiveUntil")]
    [InlineData("""{"rates":{"input":"0"}}""", "free")]
    [InlineData("""{"rates":{"input":"1"},"surprise":true}""", "surprise")]
    [InlineData("""{"rates":{"input":"1"},"model":"other"}""", "model")]
    [InlineData("""{"rates":{"input":"1"},"changedBy":5}""", "changedBy")]
    public async Task A_wrong_price_is_refused_by_its_field(string body, string field) => (await host.Put("/v1/prices/house/wrong", body))
        .IsProblem(400, "invalid", field);

    [Fact]
    public async Task Holds_are_priced_by_tier_service_tier_and_factors()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"money","unit":"cost","window":"lifetime","amount":"100"}]}""");
        Assert.Equal("0.6225", await Held("""{"model":"anthropic/claude-sonnet-4-5","inputTokens":200000,"maxOutputTokens":1500}"""));
        Assert.Equal("1.233756", await Held("""{"model":"anthropic/claude-sonnet-4-5","inputTokens":200001,"maxOutputTokens":1500}"""));
        Assert.Equal("0.0055", await Held("""{"model":"claude-fable-5","inputTokens":1000,"maxOutputTokens":0,"serviceTier":"batch","region":"us"}"""));

        async Task<string> Held(string estimate) =>
            (await host.Post($"/v1/accounts/{account}/reservations", estimate)).Json.GetProperty("reservation").GetProperty("cost")
                .GetString()!;
    }

    [Fact]
    public async Task Discounts_of_an_account_are_taken_off_and_shown()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"10"}}""");
        const string discounts = """
            {"volume":{"measure":"tokens","tiers":[{"above":10000,"discount":0.02},{"above":50000,"discount":0.05}]},"batch":[{"above":5,"discount":0.08}],
             "negotiated":[{"match":{"model":"m-*"},"multiplier":0.5},{"multiplier":0.1}]}
            """;
        var policy = await host.Put($"/v1/accounts/{account}/policy", $$"""{"limits":[{"id":"money","unit":"cost","window":"lifetime","amount":"100"}],"discounts":{{discounts}}}""");
        Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(discounts).RootElement),
            JsonSerializer.Serialize(policy.Json.GetProperty("discounts")));

        Assert.Equal(("0.05", "0.05"), await Use(10000));
        // The month so far and the call itself: more than 10,000 now.
        Assert.Equal(("0.049", "0.051"), await Use(10000));
        // A batch of six, and more than 50,000 tokens.
        Assert.Equal(("0.174", "0.226"), await Use(40000, requests: 6));
        var quote = (await host.Post("/v1/quotes", $$"""{"model":"{{model}}","usage":{"inputTokens":1000},"account":"{{account}}"}""")).Json;
        Assert.Equal("0.01", quote.GetProperty("cost").GetString());
        Assert.Equal("""{"cost":"0.00475","currency":"USD","discounts":[{"kind":"negotiated","share":0.5,"amount":"0.005"},{"kind":"volume","share":0.05,"amount":"0.00025"}]}""",
            quote.GetProperty("charged").GetRawText());
        var held = (await host.Post($"/v1/accounts/{account}/check", $$"""{"model":"{{model}}","inputTokens":1000,"maxOutputTokens":0}""")).Json;
        Assert.True(held.GetProperty("allowed").GetBoolean());

        async Task<(string?, string?)> Use(int input, int requests = 1)
        {
            var booked = await host.Post($"/v1/accounts/{account}/usage", $$"""{"model":"{{model}}","inputTokens":{{input}},"requests":{{requests}}}""");
            var record = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray()
                .Single(item => item.GetProperty("id").GetString() == booked.Member("usageId"));
            return (booked.Member("cost"), record.GetProperty("discount").GetString());
        }
    }

    [Fact]
    public async Task An_account_in_another_currency_is_charged_at_the_rate_of_the_time()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"3","output":"15"}}""");
        await host.Put($"/v1/accounts/{account}/policy", """{"currency":"ISK","limits":[{"id":"money","unit":"cost","window":"lifetime","amount":"1000"}]}""");
        var none = await host.Post($"/v1/accounts/{account}/check", $$"""{"model":"{{model}}","inputTokens":1000,"maxOutputTokens":0}""");
        none.IsProblem(422, "unprocessable", "model");
        (await host.Post("/v1/quotes", $$"""{"model":"{{model}}","usage":{"inputTokens":1000},"currency":"ISK"}""")).IsProblem(422, "unprocessable", "currency");

        const string rates = """{"base":"USD","rates":[{"currency":"ISK","rate":"140","effectiveFrom":"2026-01-01T00:00:00Z"},{"currency":"ISK","rate":"130.5","effectiveFrom":"2026-02-01T00:00:00Z"}]}""";
        (await host.Put("/v1/exchange-rates", rates)).Is(200, rates);
        (await host.Get("/v1/exchange-rates")).Is(200, rates);
        Assert.Equal(("0.42", "140"), await Use("2026-01-15T00:00:00Z"));
        Assert.Equal(("0.3915", "130.5"), await Use("2026-02-01T00:00:00Z"));
        var quote = (await host.Post("/v1/quotes", $$"""{"model":"{{model}}","usage":{"inputTokens":1000},"currency":"ISK","at":"2026-01-15T00:00:00Z"}""")).Json;
        Assert.Equal("""{"cost":"0.42","currency":"ISK","exchangeRate":"140","discounts":[]}""", quote.GetProperty("converted").GetRawText());
        Assert.Equal("0.8115", (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled")
            .GetString());
        // Booked amounts keep the rate of their time, and the currency of an account with bookings stays.
        await host.Put("/v1/exchange-rates", """{"base":"USD","rates":[{"currency":"ISK","rate":"1"}]}""");
        Assert.Equal("0.8115", (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled")
            .GetString());
        (await host.Put($"/v1/accounts/{account}/policy", """{"currency":"USD"}""")).IsProblem(422, "unprocessable", "currency");

        async Task<(string?, string?)> Use(string at)
        {
            var booked = await host.Post($"/v1/accounts/{account}/usage", $$"""{"model":"{{model}}","inputTokens":1000,"timestamp":"{{at}}"}""");
            var record = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray()
                .Single(item => item.GetProperty("id").GetString() == booked.Member("usageId"));
            Assert.Equal(("USD", "0.003", "ISK"), (record.GetProperty("priceCurrency").GetString(), record.GetProperty("priceCost")
                .GetString(), booked.Member("currency")));
            return (booked.Member("cost"), record.GetProperty("exchangeRate").GetString());
        }
    }

    [Theory]
    [InlineData("""{}""", "rates")]
    [InlineData("""{"base":"dollar","rates":[]}""", "base")]
    [InlineData("""{"rates":[{"currency":"QQQ","rate":"1"}]}""", "rates[0].currency")]
    [InlineData("""{"rates":[{"currency":"EUR","rate":"0"}]}""", "rates[0].rate")]
    [InlineData("""{"rates":[{"currency":"EUR","rate":"9e-1"}]}""", "rates[0].rate")]
    [InlineData("""{"rates":[{"currency":"EUR","rate":0.9}]}""", "rates[0].rate")]
    [InlineData("""{"rates":[{"currency":"EUR","rate":"-0.9"}]}""", "rates[0].rate")]
    [InlineData("""{"rates":[{"currency":"USD","rate":"1"}]}""", "rates[0].currency")]
    [InlineData("""{"rates":[{"currency":"EUR","rate":"0.9"},{"currency":"EUR","rate":"0.8"}]}""", "rates[1].effectiveFrom")]
    public async Task A_wrong_exchange_rate_is_refused_by_its_field(string body, string field) =>
        (await host.Put("/v1/exchange-rates", body)).IsProblem(400, "invalid", field);

    [Fact]
    public async Task Records_without_a_price_are_rated_when_there_is_one_and_never_twice()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"money","unit":"cost","window":"lifetime","amount":"100","enforcement":"soft"}]}""");
        for (var i = 0; i < 3; i++) await host.Post($"/v1/accounts/{account}/usage", $$"""{"id":"u{{i}}","provider":"house","model":"{{model}}","inputTokens":1000000}""");
        var early = (await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}"}""")).Json;
        Assert.Equal((3, 0, model), (early.GetProperty("examined").GetInt32(), early.GetProperty("repriced").GetInt32(),
            early.GetProperty("unpricedModels")[0].GetProperty("model").GetString()));

        var version = (await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"2"}}""")).Member("priceVersion");
        var done = (await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","changedBy":"ann","reason":"late price"}""")).Json;
        Assert.Equal(3, done.GetProperty("repriced").GetInt32());
        Assert.Equal(("0", "2", version), (
            done.GetProperty("items")[0].GetProperty("costBefore").GetString(), done.GetProperty("items")[0].GetProperty("costAfter")
                .GetString(),
            done.GetProperty("items")[0].GetProperty("priceVersion").GetString()));
        Assert.Equal((0, 0), await Again($$"""{"account":"{{account}}"}"""));
        Assert.Equal((0, 3), await Again($$"""{"account":"{{account}}","ids":["u0","u1","u2"]}"""));
        Assert.Equal("6", (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetString());
        Assert.Equal(
            "6", (await host.Get($"/v1/reports?account={account}&from=2026-01-01&to=2100-01-01&granularity=month")).Json.GetProperty(
                "summary").GetProperty("totalCost").GetString());
        var adjustment = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray()
            .First(item => item.GetProperty("kind").GetString() == "adjustment");
        Assert.Equal(("ann", "late price", "2", 0), (
            adjustment.GetProperty("correctedBy").GetString(), adjustment.GetProperty("reason").GetString(), adjustment.GetProperty("cost")
                .GetString(), adjustment.GetProperty("totalTokens").GetInt32()));

        // Another price changes what was rated only where it is named.
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1.5"}}""");
        Assert.Equal((0, 0), await Again($$"""{"account":"{{account}}"}"""));
        Assert.Equal((1, 0), await Again($$"""{"account":"{{account}}","ids":["u1"]}"""));
        Assert.Equal((0, 1), await Again($$"""{"account":"{{account}}","ids":["u1"]}"""));
        Assert.Equal("5.5", (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetString());

        (await host.Post("/v1/prices/reprice", """{"ids":["u1"]}""")).IsProblem(400, "invalid", "account");
        (await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","ids":[]}""")).IsProblem(400, "invalid", "ids");
        (await host.Post("/v1/prices/reprice", """{"limit":0}""")).IsProblem(400, "invalid", "limit");
        Assert.Equal("urn:purser:problem:not-found", (await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","ids":["nothing"]}""")).Json
            .GetProperty("refused")[0].GetProperty("type").GetString());

        async Task<(int Repriced, int Unchanged)> Again(string body)
        {
            var answer = (await host.Post("/v1/prices/reprice", body)).Json;
            return (answer.GetProperty("repriced").GetInt32(), answer.GetProperty("unchanged").GetInt32());
        }
    }

    [Fact]
    public async Task Models_without_a_price_are_listed_with_their_records()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        for (var i = 0; i < 3; i++) await host.Post($"/v1/accounts/{account}/usage", $$"""{"model":"{{model}}","inputTokens":7,"outputTokens":1}""");
        var unpriced = (await host.Get("/v1/prices?unpriced=true")).Json.GetProperty("items").EnumerateArray()
            .Single(item => item.GetProperty("model").GetString() == model);
        Assert.Equal((3, false), (unpriced.GetProperty("records").GetInt32(), unpriced.GetProperty("priceKnown").GetBoolean()));
        Assert.Equal((3, 3), (await ListedAsync(), await CountedAsync()));

        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1","output":"1"}}""");
        Assert.Equal("2", (await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","limit":2}""")).Member("repriced"));
        unpriced = (await host.Get("/v1/prices?unpriced=true")).Json.GetProperty("items").EnumerateArray()
            .Single(item => item.GetProperty("model").GetString() == model);
        Assert.Equal((1, true), (unpriced.GetProperty("records").GetInt32(), unpriced.GetProperty("priceKnown").GetBoolean()));
        Assert.Equal((1, 1), (await ListedAsync(), await CountedAsync()));
        await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}"}""");
        Assert.DoesNotContain(model, (await host.Get("/v1/prices?unpriced=true")).Text, StringComparison.Ordinal);
        Assert.Equal((0, 0), (await ListedAsync(), await CountedAsync()));
        // A price that has no rate for what a record has is none for it, and says which.
        await host.Post($"/v1/accounts/{account}/usage", $$"""{"provider":"house","model":"{{model}}","inputTokens":7,"webSearches":2,"timestamp":"2026-03-14T15:00:00Z"}""");
        Assert.Equal((1, false, """["webSearches"]"""), await LackingAsync());
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1","output":"1","perWebSearch":{"medium":"0.01"}}}""");
        Assert.Equal((1, true, ""), await LackingAsync());
        await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}"}""");
        // Four records and what gave them their prices.
        Assert.Equal(8, (await host.Get($"/v1/accounts/{account}/usage?unpriced=false")).Json.GetProperty("items").GetArrayLength());

        async Task<(int, bool, string)> LackingAsync()
        {
            var item = (await host.Get("/v1/prices?unpriced=true")).Json.GetProperty("items").EnumerateArray()
                .Single(item => item.GetProperty("model").GetString() == model);
            return (item.GetProperty("records").GetInt32(), item.GetProperty("priceKnown").GetBoolean(),
                item.TryGetProperty("unpricedParts", out var parts) ? parts.GetRawText() : "");
        }

        async Task<int> ListedAsync() => (await host.Get($"/v1/accounts/{account}/usage?unpriced=true")).Json.GetProperty("items")
            .GetArrayLength();

        async Task<int> CountedAsync() => (await host.Get($"/v1/reports?account={account}")).Json.GetProperty("costEstimate")
            .GetProperty("unpriced").GetInt32();
    }
}
