using System.Buffers;
using System.Globalization;
using System.Text;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// One writer's random commits to a log, and what may be found of them afterwards: the states behind each commit, in
/// order, and how many of them were acknowledged. A commit writes or deletes one to five of a few keys.
/// </summary>
internal sealed class LogHistory(int seed)
{
    private const int Keys = 24;
    private readonly Random _random = new(seed);
    private readonly List<SortedDictionary<string, string>> _states = [[]];

    /// <summary>Commits that were acknowledged, or refused as not applied.</summary>
    public int Settled { get; private set; }

    /// <summary>Commits that were acknowledged when the log last said that all was on the medium.</summary>
    public int Durable { get; private set; }

    public int Refused { get; private set; }

    /// <summary>Commits until it has enough, or the process ends, or the log takes no more.</summary>
    /// <returns>Why it stopped.</returns>
    public async Task<Exception?> RunAsync(LogEngine log, int commits)
    {
        for (int i = 0; i < commits; i++)
        {
            using var batch = new LogBatch();
            SortedDictionary<string, string> next = new(_states[^1], StringComparer.Ordinal);
            foreach (string key in Some())
            {
                if (_random.Next(4) == 0 && next.ContainsKey(key))
                {
                    batch.Delete(Key(key));
                    next.Remove(key);
                }
                else
                {
                    string value = string.Create(CultureInfo.InvariantCulture, $"{seed}.{i}.{new string('x', _random.Next(12) == 0 ? 20_000 : _random.Next(600))}");
                    batch.Put(Key(key), default, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(value)));
                    next[key] = value;
                }
            }

            try
            {
                Assert.True((await log.CommitAsync(batch)).IsApplied);
                _states.Add(next);
                Settled = _states.Count - 1;
            }
            catch (StorageException e) when (e.Outcome == WriteOutcome.NotApplied)
            {
                // Told that nothing was written: the state stays, and nothing of it may be found later.
                Refused++;
                CheckReads(log);
                if (log.GetStatistics().ReadOnlyBecause is not null) return e;
            }
            catch (Exception e) when (e is SimulatedCrashException or StorageException)
            {
                _states.Add(next);
                return e;
            }
        }

        return null;
    }

    /// <summary>Says that all that was settled so far is on the medium.</summary>
    public void Flushed() => Durable = Settled;

    /// <summary>What the log holds must be the state behind one of the commits from <paramref name="atLeast"/> on, whole.</summary>
    /// <returns>Which.</returns>
    public int Check(LogEngine log, int atLeast, string context)
    {
        SortedDictionary<string, string> found = Read(log);
        for (int i = _states.Count - 1; i >= atLeast; i--)
        {
            if (Same(found, _states[i])) return i;
        }

        int match = _states.FindLastIndex(s => Same(found, s));
        int nearest = Enumerable.Range(0, _states.Count).MinBy(i => found.Keys.Union(_states[i].Keys).Count(k => found.GetValueOrDefault(k) != _states[i].GetValueOrDefault(k)));
        string detail = match >= 0 ? $"it is the state behind commit {match}: acknowledged commits are lost" : $"it is the state behind no commit; against the nearest, {nearest}: {Difference(found, _states[nearest])}";
        throw new Xunit.Sdk.XunitException($"{context}, seed {seed}: {atLeast} of {_states.Count - 1} commits must be found, but {detail}");
    }

    private void CheckReads(LogEngine log) => Assert.True(Same(Read(log), _states[^1]), $"a refused commit changed what is read: {Difference(Read(log), _states[^1])}, seed {seed}");

    private static SortedDictionary<string, string> Read(LogEngine log)
    {
        SortedDictionary<string, string> found = new(StringComparer.Ordinal);
        for (int i = 0; i < Keys; i++)
        {
            if (!log.TryRead(Key(Name(i)), out LogEntry entry)) continue;
            using (entry) found[Name(i)] = Encoding.UTF8.GetString(entry.Value.Span);
        }

        return found;
    }

    private static bool Same(SortedDictionary<string, string> a, SortedDictionary<string, string> b) => a.Count == b.Count && a.All(p => b.TryGetValue(p.Key, out string? value) && value == p.Value);

    private static string Difference(SortedDictionary<string, string> found, SortedDictionary<string, string> wanted) =>
        string.Join("; ", found.Keys.Union(wanted.Keys).Where(k => found.GetValueOrDefault(k) != wanted.GetValueOrDefault(k)).Select(k => $"{k} is {Short(found.GetValueOrDefault(k))}, not {Short(wanted.GetValueOrDefault(k))}"));

    private static string Short(string? value) => value is null ? "missing" : value[..Math.Min(value.Length, 16)];

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"key {i:d2}");

    private static byte[] Key(string key) => [(byte)LogKeyspace.System, .. Encoding.UTF8.GetBytes(key)];

    private IEnumerable<string> Some() => Enumerable.Range(0, _random.Next(10) == 0 ? 5 : 1).Select(_ => Name(_random.Next(Keys))).Distinct().ToArray();
}
