using System.Text;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Listings: keys from the index, metadata from the entries.</content>
public sealed partial class DiskBlobStore
{
    private ListPage List(ListRequest request)
    {
        using var keys = new ListedKeys(this, request.Limit);
        return ListPager.Page(request, keys.From, keys.Visible);
    }

    /// <summary>The keys of blobs in order, gathered some at a time.</summary>
    private sealed class ListedKeys(DiskBlobStore store, int limit) : IDisposable
    {
        private const int MostAtOnce = 256;
        private readonly LogRangeReader _found = new(store._log);
        private readonly int _atOnce = Math.Min(limit + 1, MostAtOnce);
        private int _at;

        public IEnumerable<string> From(string text)
        {
            byte[] next = DiskKey.SeekBlob(text);
            while (true)
            {
                int count = Scan(next);
                for (int i = 0; i < count; i++)
                {
                    if (IsTombstone(_found.Location(i))) continue;
                    _at = i;
                    yield return Encoding.UTF8.GetString(_found.Key(i)[1..]);
                }

                if (count < _atOnce) yield break;
                next = [.. _found.Key(count - 1), 0];
            }
        }

        /// <summary>The blob of the key that was given last; null if it is gone or has expired.</summary>
        public BlobInfo? Visible(string text)
        {
            BlobKey key = BlobKey.Parse(text);
            try
            {
                if (!_found.TryRead(_at, out LogEntryView entry) || entry.IsTombstone) return null;
                return entry.Expires == 0 || entry.Expires > store._time.Now ? InfoOf(key, entry) : null;
            }
            catch (Exception e) when (IsDamage(e))
            {
                // One damaged blob must not hide all others; who reads it is told.
                store._logger.LogError(e, "A listing of store '{Store}' leaves out '{Key}', whose entry is damaged", store._options.Name, key);
                return null;
            }
        }

        public void Dispose() => _found.Dispose();

        private int Scan(ReadOnlySpan<byte> from) => _found.Scan(new LogScan(from, [(byte)LogKeyspace.Blobs + 1], _atOnce));
    }
}
