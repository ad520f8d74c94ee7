using System.Diagnostics;

namespace Strata.Cli;

/// <summary>
/// Fills a store with real files, and reads them as users do: few of them often, most of them seldom (Zipf's law).
/// </summary>
internal sealed class Demo(Report report, StoreCatalog catalog, string folder)
{
    private const string StoreName = "main";
    private const string Prefix = "demo/";
    private const int Fillers = 4;
    private const int ReadsPerTick = 6;

    /// <summary>Reads of the demonstration stay small: a slow machine should still have time for its user.</summary>
    private const long MaxReadBytes = 1 << 20;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan FillReports = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReadReports = TimeSpan.FromSeconds(10);

    private readonly IBlobStore _store = catalog.Stores.GetValueOrDefault(StoreName)
        ?? throw CliException.Usage($"--demo fills the store '{StoreName}', which the configuration does not have.");

    /// <summary>Fills, then reads until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<BlobKey> keys = await FillAsync(cancellationToken);
        if (keys.Count == 0)
        {
            Say($"there is nothing to read in {folder}");
            return;
        }

        await ReadAsync(keys, cancellationToken);
    }

    private async Task<List<BlobKey>> FillAsync(CancellationToken cancellationToken)
    {
        Say($"filling {StoreName}/{Prefix} from {folder}");
        var gate = new Lock();
        var keys = new List<BlobKey>();
        long files = 0, bytes = 0, failed = 0, reported = Stopwatch.GetTimestamp();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Fillers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(new LocalTree(folder).Files().Where(f => f.Fault is null), options, async (file, cancel) =>
        {
            bool stored = BlobKey.TryParse(Prefix + file.Relative, out BlobKey key) && await StoreAsync(file, key, cancel);
            lock (gate)
            {
                if (!stored)
                {
                    failed++;
                    return;
                }

                files++;
                bytes += file.Length;
                if (file.Length <= MaxReadBytes) keys.Add(key);
                if (Stopwatch.GetElapsedTime(reported) < FillReports) return;
                reported = Stopwatch.GetTimestamp();
                Say($"{Columns.Count(files)} files, {ByteSize.Format(bytes)} so far");
            }
        });
        Say($"{Columns.Count(files)} files, {ByteSize.Format(bytes)} are in {StoreName}/{Prefix}" + (failed > 0 ? $"; {Columns.Count(failed)} could not be stored" : ""));
        return keys;
    }

    private async ValueTask<bool> StoreAsync(LocalTree.Entry file, BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            if (await _store.StatAsync(key, cancellationToken) is { } info && info.Length == file.Length) return true;
            var options = new WriteOptions { ContentType = ContentTypes.Guess(file.Path) };
            return (await _store.WriteAsync(key, LocalFile.Content(file.Path), options, cancellationToken)).IsWritten;
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            Say($"{file.Path} was not stored: {Fault.Of(e).Message}");
            return false;
        }
    }

    private async Task ReadAsync(List<BlobKey> keys, CancellationToken cancellationToken)
    {
        // The same seed each time, so that the favourites of the last run are those of this one.
        var random = new Random(1);
        BlobKey[] ranked = [.. keys.OrderBy(k => k)];
        random.Shuffle(ranked);
        Say($"reading {ReadsPerTick * (int)(1 / Tick.TotalSeconds)} blobs a second, the favourites most often; watch the page");
        using var timer = new PeriodicTimer(Tick);
        long reported = Stopwatch.GetTimestamp(), reads = 0;
        IReadOnlyList<TierStatistics> before = Statistics();
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            for (int i = 0; i < ReadsPerTick; i++, reads++) await ReadAsync(ranked[Rank(random, ranked.Length)], cancellationToken);
            if (Stopwatch.GetElapsedTime(reported) < ReadReports) continue;
            IReadOnlyList<TierStatistics> now = Statistics();
            Say($"{reads / Stopwatch.GetElapsedTime(reported).TotalSeconds:0} reads/s, answered by {Shares(before, now)}");
            (before, reported, reads) = (now, Stopwatch.GetTimestamp(), 0);
        }
    }

    private async ValueTask ReadAsync(BlobKey key, CancellationToken cancellationToken)
    {
        try
        {
            await using BlobReadResult? result = await _store.ReadAsync(key, null, cancellationToken);
            if (result is not null) await result.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (StorageException e)
        {
            Say($"{key} was not read: {e.Message}");
        }
    }

    /// <summary>A rank from 0, where rank r comes about 1/(r+1) as often as the first: n^u is so spread for an even u.</summary>
    private static int Rank(Random random, int count) => Math.Min(count - 1, (int)(Math.Pow(count + 1, random.NextDouble()) - 1));

    private IReadOnlyList<TierStatistics> Statistics() => _store.TryGetFacet(out ITierInspection? tiers) ? tiers.GetTierStatistics() : [];

    private static string Shares(IReadOnlyList<TierStatistics> before, IReadOnlyList<TierStatistics> now)
    {
        long[] hits = [.. now.Select((t, i) => t.Hits - before[i].Hits)];
        double all = Math.Max(1, hits.Sum());
        return string.Join(", ", now.Select((t, i) => $"{t.Name} {hits[i] / all:P0}"));
    }

    private void Say(string message)
    {
        report.Result($"demo: {message}", new ServeLine("demo", Message: message), JsonLines.Context.ServeLine);
        report.Flush();
    }
}
