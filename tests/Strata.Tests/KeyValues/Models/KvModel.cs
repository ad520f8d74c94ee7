using System.Text;
using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A KV database beside a sorted dictionary of what it must hold; each step is taken by both, and compared.</summary>
/// <param name="open">Opens the database: empty the first time, later with what it had.</param>
/// <param name="clock">The clock of the database.</param>
internal sealed class KvModel(Func<ValueTask<IKvDatabase>> open, FakeClock clock) : IAsyncDisposable
{
    private static readonly EqualityComparer<byte[]> SameBytes = EqualityComparer<byte[]>.Create((x, y) => x.AsSpan().SequenceEqual(y), x => x.Length == 0 ? 0 : x[^1]);

    private readonly SortedDictionary<byte[], KvEntry> _entries = new(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)));
    private readonly Dictionary<byte[], Versionstamp> _earlier = new(SameBytes);
    private IKvDatabase? _database;
    private Versionstamp _last;
    private DateTimeOffset _seen;

    /// <summary>What time it is for the database: never before what it has seen.</summary>
    private DateTimeOffset Now => _seen = clock.GetUtcNow() > _seen ? clock.GetUtcNow() : _seen;

    /// <summary>Takes the steps on an empty database.</summary>
    public async Task RunAsync(KvStep[] steps)
    {
        IKvDatabase database = _database ??= await open();
        await ClearAsync(database);
        foreach (KvStep step in steps)
        {
            try
            {
                await TakeAsync(step);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"At the step '{step}': {e.Message}", e);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }

    private async Task TakeAsync(KvStep step)
    {
        switch (step)
        {
            case KvStep.Write write:
                await WriteAsync(write);
                await CompareAsync([new KvStep.Range(-1, -1, 500, false, false).Of()]);
                break;
            case KvStep.Read read:
                await CompareAsync([.. read.Ranges.Select(r => r.Of())]);
                break;
            case KvStep.Pass pass:
                clock.Advance(TimeSpan.FromMilliseconds(pass.Milliseconds));
                break;
            case KvStep.SetBack back:
                // What nobody has seen may come again.
                await CompareAsync([ReadRange.Of(KvStep.Keys[0])]);
                clock.Jump(TimeSpan.FromMilliseconds(-back.Milliseconds));
                break;
            case KvStep.Reopen when _database is { Capabilities.IsDurable: true }:
                await CompareAsync([ReadRange.Of(KvStep.Keys[0])]);
                await _database.DisposeAsync();
                _database = await open();
                break;
        }
    }

    private async Task WriteAsync(KvStep.Write write)
    {
        DateTimeOffset now = Now;
        KvCheck[] checks = [.. write.Checks.Select(c => new KvCheck(KvStep.Keys[c.Key], StampOf(c, now)))];
        int[] failed = [.. Enumerable.Range(0, checks.Length).Where(i => checks[i].Versionstamp != (Visible(KvStep.Keys[write.Checks[i].Key], now)?.Versionstamp ?? default))];
        bool isRefused = failed.Length == 0 && IsRefused(write.Changes, now);
        CommitResult result;
        try
        {
            result = await _database!.AtomicWriteAsync(new AtomicWrite { Checks = checks, Mutations = [.. write.Changes.Select(c => c.At(now))] }, CancellationToken.None);
        }
        catch (ArgumentException) when (isRefused)
        {
            return;
        }

        Assert.False(isRefused, "A sum over what is no number was taken.");
        Assert.True(result.IsCommitted == (failed.Length == 0), $"Checks {string.Join(' ', failed)} do not hold, and it was {(result.IsCommitted ? "" : "not ")}committed.");
        if (result.FailedChecks.Count > 0) Assert.Equal(failed, result.FailedChecks);
        if (!result.IsCommitted) return;
        Assert.True(result.Versionstamp > _last, $"{result.Versionstamp} was issued after {_last}.");
        _last = result.Versionstamp;
        foreach (KvStep.Change change in write.Changes) Apply(change, now);
    }

    private Versionstamp StampOf(KvStep.Check check, DateTimeOffset now) => check.Expected switch
    {
        KvStep.Expected.Current => Visible(KvStep.Keys[check.Key], now)?.Versionstamp ?? default,
        KvStep.Expected.Earlier => _earlier.GetValueOrDefault(KvStep.Keys[check.Key]),
        _ => Versionstamp.None,
    };

    /// <summary>Counts with texts, as far as that can be seen without doing it.</summary>
    private bool IsRefused(KvStep.Change[] changes, DateTimeOffset now)
    {
        var isText = new Dictionary<int, bool?>();
        foreach (KvStep.Change change in changes)
        {
            bool isCount = change.Kind is KvMutationKind.Sum or KvMutationKind.Max or KvMutationKind.Min;
            bool? there = isText.TryGetValue(change.Key, out bool? known) ? known : Visible(KvStep.Keys[change.Key], now) is { } entry ? entry.Value.Encoding == KvEncoding.Bytes : null;
            if (isCount && (change.IsText || there == true)) return true;
            if (change.Kind == KvMutationKind.SetVersionstampedKey) continue;
            isText[change.Key] = change.Kind == KvMutationKind.Delete || change.ExpiresIn <= 0 ? null : change.IsText;
        }

        return false;
    }

    private void Apply(KvStep.Change change, DateTimeOffset now)
    {
        byte[] key = KvStep.Keys[change.Key];
        if (change.Kind == KvMutationKind.SetVersionstampedKey) key = [.. key, 2, .. Encoding.ASCII.GetBytes(_last.ToString()), 0];
        KvEntry? before = Visible(key, now);
        if (before is not null && before.Versionstamp != _last) _earlier[key] = before.Versionstamp;
        _entries.Remove(key);
        if (change.Kind == KvMutationKind.Delete) return;
        ulong number = before is not null && before.Value.TryGetUInt64(out ulong there) ? there : 0;
        KvValue value = change.Kind switch
        {
            KvMutationKind.Sum => KvValue.OfUInt64(unchecked(number + change.Number)),
            KvMutationKind.Max when before is not null => KvValue.OfUInt64(Math.Max(number, change.Number)),
            KvMutationKind.Min when before is not null => KvValue.OfUInt64(Math.Min(number, change.Number)),
            _ => change.Value,
        };
        _entries[key] = new KvEntry(key, value, _last, change.At(now).Expires);
    }

    private KvEntry? Visible(byte[] key, DateTimeOffset now) => _entries.TryGetValue(key, out KvEntry? entry) && !(entry.Expires <= now) ? entry : null;

    private async Task CompareAsync(ReadRange[] ranges)
    {
        DateTimeOffset now = Now;
        IReadOnlyList<KvRange> found = await _database!.SnapshotReadAsync(ranges, null, CancellationToken.None);
        Assert.Equal(ranges.Length, found.Count);
        for (int i = 0; i < ranges.Length; i++)
        {
            ReadRange range = ranges[i];
            IEnumerable<KvEntry> expected = _entries.Values.Where(e => !(e.Expires <= now) && range.Contains(e.Key.Span));
            if (range.Reverse) expected = expected.Reverse();
            KvEntry[] entries = [.. expected.Take(range.Limit).Select(e => range.KeysOnly ? e with { Value = e.Value with { Data = default } } : e)];
            if (entries.Length == found[i].Entries.Count && entries.Zip(found[i].Entries).All(pair => IsSame(pair.First, pair.Second))) continue;
            Assert.Fail($"Range {i} must have\n  {Describe(entries)}\nand has\n  {Describe(found[i].Entries)}\nat {now:O}.");
        }
    }

    private bool IsSame(KvEntry expected, KvEntry actual) =>
        expected.Key.Span.SequenceEqual(actual.Key.Span) && expected.Value == actual.Value && expected.Versionstamp == actual.Versionstamp
        && actual.Expires == (_database!.Capabilities.TellsExpiry ? expected.Expires : null);

    private static string Describe(IEnumerable<KvEntry> entries) =>
        string.Join("\n  ", entries.Select(e => $"{Convert.ToHexString(e.Key.Span)}={Convert.ToHexString(e.Value.Data.Span)}, {e.Value.Encoding}, {e.Versionstamp}, expires {e.Expires:O}"));

    private async Task ClearAsync(IKvDatabase database)
    {
        // Time goes on from where it was last seen.
        if (clock.GetUtcNow() < _seen) clock.Advance(_seen - clock.GetUtcNow());
        KvRange all = Assert.Single(await database.SnapshotReadAsync([new KvStep.Range(-1, -1, 500, false, true).Of()], null, CancellationToken.None));
        await database.AtomicWriteAsync(new AtomicWrite { Mutations = [.. all.Entries.Select(e => KvMutation.Delete(e.Key))] }, CancellationToken.None);
        _entries.Clear();
        _earlier.Clear();
        _last = Versionstamp.None;
    }
}
