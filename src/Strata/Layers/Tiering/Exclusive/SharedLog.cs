using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// The home whose own log or database holds the placement index: a change of a blob there takes its rows of the index along, in one
/// commit (CONSISTENCY 2).
/// </summary>
internal sealed class SharedLog
{
    private readonly ConcurrentDictionary<BlobKey, Func<BlobChange, IReadOnlyList<KvMutation>>> _expected = new();

    private SharedLog(HomeTier home) => Home = home;

    /// <summary>The home.</summary>
    public HomeTier Home { get; }

    /// <summary>The home that shares its log with the index; null: none does.</summary>
    /// <exception cref="InvalidOperationException">It has another owner.</exception>
    public static SharedLog? Find(IEnumerable<HomeTier> homes, PlacementIndex index)
    {
        foreach (HomeTier home in homes)
        {
            if (home.IsRemote || !home.Store.TryGetFacet(out IStateRows? rows) || !index.IsIn(rows.Rows)) continue;
            var log = new SharedLog(home);
            rows.Record(log.Record);
            return log;
        }

        return null;
    }

    /// <summary>Makes a change of a blob in the home, with rows.</summary>
    /// <param name="key">The blob; nobody else changes it meanwhile.</param>
    /// <param name="rows">Which, asked when the change gets its place among all commits; again if it has to look for another one.</param>
    /// <param name="change">The change.</param>
    public async ValueTask<T> CommitAsync<T>(BlobKey key, Func<BlobChange, IReadOnlyList<KvMutation>> rows, Func<ValueTask<T>> change)
    {
        _expected[key] = rows;
        try
        {
            return await change().ConfigureAwait(false);
        }
        finally
        {
            _expected.TryRemove(key, out _);
        }
    }

    private IReadOnlyList<KvMutation> Record(BlobChange change) => _expected.TryGetValue(change.Key, out Func<BlobChange, IReadOnlyList<KvMutation>>? rows) ? rows(change) : [];
}
