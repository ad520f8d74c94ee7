using System.Runtime.CompilerServices;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <content>Listings.</content>
public sealed partial class S3BlobStore
{
    private const int MostInOnePage = 1000;
    private const string LastText = "\U0010FFFF";

    /// <inheritdoc/>
    /// <remarks>
    /// S3's own listing tells key, length, its ETag and the last modification. An exact listing (the default) looks at each
    /// object besides, some at once: it costs a request an item. Objects whose names are no keys are not listed.
    /// </remarks>
    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _gate.Enter("list");
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        var items = new List<BlobInfo>();
        var prefixes = new List<string>();
        string? last = null;
        await foreach (IReadOnlyList<Entry> page in PagesAsync(request, cancellationToken).ConfigureAwait(false))
        {
            for (int at = 0; at < page.Count;)
            {
                // No more looks than the page has room for, and one to know whether there is a next.
                Entry[] some = [.. page.Skip(at).Take(request.Limit + 1 - items.Count - prefixes.Count)];
                at += some.Length;
                BlobInfo?[] infos = request.Exact ? await LookAsync(some, request, cancellationToken).ConfigureAwait(false) : [.. some.Select(e => e.Listed)];
                for (int i = 0; i < some.Length; i++)
                {
                    if (some[i].Listed is null ? infos[i] is null && request.Exact : infos[i] is null) continue;
                    if (items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
                    last = some[i].Text;
                    if (some[i].Listed is null) prefixes.Add(last);
                    else items.Add(infos[i]!);
                }
            }
        }

        return new ListPage(items, prefixes, null);
    }

    /// <summary>The server's pages behind the request's position: keys and common prefixes in one order, without what is the store's own.</summary>
    private async IAsyncEnumerable<IReadOnlyList<Entry>> PagesAsync(ListRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? position = request.Position();
        string? group = position is null ? null : GroupOf(position, request);
        int room = Math.Min(MostInOnePage, request.Limit + 1);
        string? token = null;
        do
        {
            var asked = new ListObjectsV2Request
            {
                BucketName = _options.Bucket, Prefix = _options.Prefix + request.Prefix, Delimiter = request.Delimiter, MaxKeys = room, Encoding = EncodingType.Url,
                ContinuationToken = token, StartAfter = token is null && position is not null ? Behind(position, group) : null,
            };
            ListObjectsV2Response page = await _calls.ReadAsync("list", null, attempt => _client.ListObjectsV2Async(asked, attempt.Token), cancellationToken).ConfigureAwait(false);
            var entries = new List<Entry>();
            foreach (S3Object item in page.S3Objects ?? []) Add(NameOfListed(item.Key), item);
            foreach (string common in page.CommonPrefixes ?? []) Add(NameOfListed(common), null);
            entries.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
            yield return entries;
            token = page.IsTruncated == true ? page.NextContinuationToken : null;

            void Add(string name, S3Object? item)
            {
                string text = name[_options.Prefix.Length..];
                if (text.StartsWith(Reserved, StringComparison.Ordinal) || Reserved.StartsWith(text, StringComparison.Ordinal)) return;

                // A position within a common prefix leaves what is behind it there; one that is the prefix leaves nothing.
                bool isAround = item is null && position is not null && text != position && position.StartsWith(text, StringComparison.Ordinal);
                if (position is not null && !isAround && (text == group || BlobKey.CompareText(text, position) <= 0)) return;
                if (item is null) entries.Add(new Entry(text, null));
                else if (BlobKey.TryParse(text, out BlobKey key)) entries.Add(new Entry(text, Listed(key, item)));
            }
        }
        while (token is not null);
    }

    /// <summary>What an exact listing shows: null for what is gone or has expired; for a common prefix anything, if one visible blob is behind it.</summary>
    private async ValueTask<BlobInfo?[]> LookAsync(Entry[] entries, ListRequest request, CancellationToken cancellationToken)
    {
        var infos = new BlobInfo?[entries.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, entries.Length), Parallelism(cancellationToken), async (i, token) =>
        {
            infos[i] = entries[i].Listed is { } listed
                ? Visible(await FindAsync(listed.Key, "list", token).ConfigureAwait(false))
                : await FirstVisibleAsync(entries[i].Text, request.Position(), token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return infos;
    }

    private async ValueTask<BlobInfo?> FirstVisibleAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<Entry> page in PagesAsync(new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 }, cancellationToken).ConfigureAwait(false))
        {
            foreach (Entry entry in page)
            {
                if (entry.Listed is { } listed && Visible(await FindAsync(listed.Key, "list", cancellationToken).ConfigureAwait(false)) is { } visible) return visible;
            }
        }

        return null;
    }

    /// <summary>The text behind which the server is to begin. Behind a common prefix that is behind all that it rolls up: no key there is longer, or above the last character.</summary>
    private string Behind(string position, string? group)
    {
        if (group != position) return _options.Prefix + position;
        var text = new StringBuilder(_options.Prefix + position);
        for (int room = S3BlobStoreOptions.MaxKeyBytes - Encoding.UTF8.GetByteCount(_options.Prefix + position); room >= 4; room -= 4) text.Append(LastText);
        return text.ToString();
    }

    /// <summary>The common prefix that a text belongs to; null if it would be listed itself.</summary>
    private static string? GroupOf(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)] is { } group && group == text ? group : null;
    }

    private static BlobInfo Listed(BlobKey key, S3Object item)
    {
        DateTimeOffset modified = item.LastModified is { } time ? new DateTimeOffset(time.ToUniversalTime(), TimeSpan.Zero) : DateTimeOffset.UnixEpoch;
        return new BlobInfo { Key = key, Length = item.Size ?? 0, ETag = Unquoted(item.ETag), Created = modified, Modified = modified };
    }

    /// <summary>Names are asked for percent-encoded, as XML holds not every character.</summary>
    private static string NameOfListed(string name) => Uri.UnescapeDataString(name.Replace("+", "%20", StringComparison.Ordinal));

    /// <param name="Text">The key, or the common prefix.</param>
    /// <param name="Listed">What the listing says; null for a common prefix.</param>
    private readonly record struct Entry(string Text, BlobInfo? Listed);
}
