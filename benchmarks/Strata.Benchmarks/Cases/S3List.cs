using System.Text.RegularExpressions;

namespace Strata.Benchmarks;

/// <summary>The whole listing of a large bucket, page by page, and a page of common prefixes.</summary>
internal sealed partial class S3List : BenchmarkCase
{
    private const int Keys = 100_000;
    private const int KeysPerPage = 1_000;
    private const int KeysPerFolder = 250;
    private const string FirstPage = "/main?list-type=2";

    public override string Name => "s3-list";

    public override string Summary => "ListObjectsV2 of 100,000 keys in pages of 1,000, and a page by delimiter, against Kestrel sending as many bytes in as many answers; each server in its own process";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess ours = await ServerProcess.StartUnflushedTiersAsync(folder["ours"]);
        using (var filling = new SocketLoad(ours.Address, 16)) filling.InTurns(Puts(ours), 0)(Keys);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        using var strata = new SocketLoad(ours.Address, 1);
        using var kestrel = new SocketLoad(raw.Address, 1);
        (List<WireRequest> pages, List<long> lengths) = FollowPages(ours);
        WireRequest[] bytes = [.. lengths.Select(length => WireRequest.Get(raw.Address, $"/memory/{length}"))];
        WireRequest prefixes = WireRequest.Get(ours.Address, FirstPage + "&delimiter=%2F");
        using var connection = new SocketConnection(ours.Address);
        long prefixesLength = connection.Ask(prefixes).Length;

        Lane list = contest.Add("whole listing", strata.InTurns(pages, lengths), ours);
        Lane limit = contest.Add("Kestrel, from memory", kestrel.InTurns(bytes, lengths), raw);
        Lane byDelimiter = contest.Add("page by delimiter", strata.InTurns([prefixes], prefixesLength), ours);
        Lane byDelimiterLimit = contest.Add("Kestrel, from memory", kestrel.InTurns([WireRequest.Get(raw.Address, $"/memory/{prefixesLength}")], prefixesLength), raw);
        await contest.RunAsync();

        contest.Higher(list.Name, "keys/s", Series.PerSecond(list, KeysPerPage), Series.PerSecond(limit, KeysPerPage));
        contest.Lower($"{list.Name}, server's processor time", "µs/page", Series.ServerMicroseconds(list), Series.ServerMicroseconds(limit));
        contest.Lower(byDelimiter.Name, "µs", Series.Microseconds(byDelimiter), Series.Microseconds(byDelimiterLimit));
    }

    private static WireRequest[] Puts(ServerProcess server) =>
        [.. Enumerable.Range(0, Keys).Select(number => WireRequest.Put(server.Address, $"/main/folder-{number / KeysPerFolder:d4}/object-{number:d6}", Payload.Of(16)))];

    /// <summary>The requests of a whole listing, which go on where the page before ended, and the lengths of their answers.</summary>
    private static (List<WireRequest> Pages, List<long> Lengths) FollowPages(ServerProcess server)
    {
        using var connection = new SocketConnection(server.Address);
        var pages = new List<WireRequest>();
        var lengths = new List<long>();
        int keys = 0;
        string? next = FirstPage;
        while (next is not null)
        {
            pages.Add(WireRequest.Get(server.Address, next));
            string xml = connection.Ask(pages[^1]);
            lengths.Add(xml.Length);
            keys += int.Parse(KeyCount().Match(xml).Groups[1].Value, provider: null);
            next = Token().Match(xml) is { Success: true } token ? $"{FirstPage}&continuation-token={Uri.EscapeDataString(token.Groups[1].Value)}" : null;
        }

        Sink.Expect(keys, Keys);
        return (pages, lengths);
    }

    [GeneratedRegex("<KeyCount>([0-9]+)</KeyCount>")]
    private static partial Regex KeyCount();

    [GeneratedRegex("<NextContinuationToken>([^<]+)</NextContinuationToken>")]
    private static partial Regex Token();
}
