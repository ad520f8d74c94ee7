using System.Runtime.CompilerServices;
using System.Text;
using System.Xml;
using Amazon.S3;
using Amazon.S3.Model;

namespace Strata.S3;

/// <content>Listings.</content>
public sealed partial class S3BlobStore
{
    private const int MostInOnePage = 1000;
    private const int MostLengths = 20;
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
        await foreach (ServerPage page in PagesAsync(request, cancellationToken).ConfigureAwait(false))
        {
            for (int at = 0; at < page.Entries.Count;)
            {
                // No more looks than the page has room for, and one to know whether there is a next.
                Entry[] some = [.. page.Entries.Skip(at).Take(request.Limit + 1 - items.Count - prefixes.Count)];
                at += some.Length;
                BlobInfo?[] infos = await LookAsync(some, request, cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < some.Length; i++)
                {
                    if (some[i].Listed is null ? infos[i] is null && request.Exact : infos[i] is null) continue;
                    if (items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
                    last = some[i].Text;
                    if (some[i].Listed is null) prefixes.Add(last);
                    else items.Add(infos[i]!);
                }
            }

            // The server says that there is more: what that is costs a request, which the next page makes anyway.
            if (!request.Exact && page.IsTruncated && items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
        }

        return new ListPage(items, prefixes, null);
    }

    /// <summary>The server's pages behind the request's position: keys and common prefixes in one order, without what is the store's own.</summary>
    private async IAsyncEnumerable<ServerPage> PagesAsync(ListRequest request, [EnumeratorCancellation] CancellationToken cancellationToken, bool isOwn = false)
    {
        string? position = request.Position(), around = position is null ? null : GroupOf(position, request), lastGroup = null;

        // Servers differ in what is left of a common prefix behind a position within it: it is asked for apart.
        if (around is not null && around != position && await HasAnyAsync(around, position, cancellationToken).ConfigureAwait(false)) yield return new ServerPage([new Entry(around, null)], IsTruncated: false);

        // What XML cannot hold some servers put into it all the same: then more is asked for, and sorted out here.
        // And some find a delimiter that begins within the prefix.
        bool isPlain = IsXml(request.Prefix) && IsXml(request.Delimiter ?? "") && !Straddles(position, request);
        var asked = new ListObjectsV2Request
        {
            BucketName = _options.Bucket, Prefix = _options.Prefix + CutToXml(request.Prefix), Delimiter = isPlain ? request.Delimiter : null, Encoding = EncodingType.Url,
            MaxKeys = Math.Min(MostInOnePage, request.Limit + 1), StartAfter = position is null ? null : CutToXml(around is null ? _options.Prefix + position : Behind(around)),
        };
        do
        {
            ListObjectsV2Response page = await AskAsync(asked, cancellationToken).ConfigureAwait(false);
            var entries = new List<Entry>();
            foreach (S3Object item in page.S3Objects ?? []) Add(NameOfListed(item.Key), item);
            foreach (string common in page.CommonPrefixes ?? []) Add(NameOfListed(common), null);
            entries.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
            yield return new ServerPage(entries, page.IsTruncated == true);
            asked.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;

            void Add(string name, S3Object? item)
            {
                string text = name[_options.Prefix.Length..];
                if (!text.StartsWith(request.Prefix, StringComparison.Ordinal) || (!isOwn && (text.StartsWith(Reserved, StringComparison.Ordinal) || Reserved.StartsWith(text, StringComparison.Ordinal)))) return;
                string? group = GroupOf(text, request);
                if (position is not null && (BlobKey.CompareText(text, position) <= 0 || (group is not null && group == around))) return;
                if (group is null && BlobKey.TryParse(text, out BlobKey key)) entries.Add(new Entry(text, Listed(key, item)));
                if (group is not null && group != lastGroup) entries.Add(new Entry(group, null));
                lastGroup = group ?? lastGroup;
            }
        }
        while (asked.ContinuationToken is not null);
    }

    private async ValueTask<bool> HasAnyAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        await foreach (ServerPage page in PagesAsync(new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 }, cancellationToken).ConfigureAwait(false))
        {
            if (page.Entries.Count > 0) return true;
        }

        return false;
    }

    /// <summary>A page whose token holds what XML cannot is asked for with another length, and so another token.</summary>
    private async ValueTask<ListObjectsV2Response> AskAsync(ListObjectsV2Request asked, CancellationToken cancellationToken)
    {
        for (int number = 1; ; number++)
        {
            try
            {
                return await _calls.ReadAsync("list", null, attempt => _client.ListObjectsV2Async(asked, attempt.Token), cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.InnerException is { } cause && (cause is XmlException || cause.InnerException is XmlException) && number < MostLengths)
            {
                asked.MaxKeys = asked.MaxKeys < MostInOnePage ? asked.MaxKeys + 1 : MostInOnePage - number;
            }
        }
    }

    /// <summary>
    /// What an exact listing shows: null for what is gone or has expired; for a common prefix anything, if one visible blob is
    /// behind it. Any other listing leaves out what its length gives away as a tombstone, where deletes leave such.
    /// </summary>
    private async ValueTask<BlobInfo?[]> LookAsync(Entry[] entries, ListRequest request, CancellationToken cancellationToken)
    {
        if (!request.Exact && _options.KeepsTombstones is null) return [.. entries.Select(e => e.Listed)];
        var infos = new BlobInfo?[entries.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, entries.Length), Parallelism(cancellationToken), async (i, token) =>
        {
            if (!request.Exact && entries[i].Listed?.Length != RemoteTombstone.Bytes) infos[i] = entries[i].Listed;
            else infos[i] = entries[i].Listed is { } listed
                ? Visible(await FindAsync(listed.Key, "list", token).ConfigureAwait(false))
                : await FirstVisibleAsync(entries[i].Text, request.Position(), token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return infos;
    }

    private async ValueTask<BlobInfo?> FirstVisibleAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        await foreach (ServerPage page in PagesAsync(new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 }, cancellationToken).ConfigureAwait(false))
        {
            foreach (Entry entry in page.Entries)
            {
                if (entry.Listed is { } listed && Visible(await FindAsync(listed.Key, "list", cancellationToken).ConfigureAwait(false)) is { } visible) return visible;
            }
        }

        return null;
    }

    /// <summary>A text behind all that a common prefix rolls up: no key there is longer, or above the last character.</summary>
    private string Behind(string group)
    {
        var text = new StringBuilder(_options.Prefix + group);
        for (int room = S3BlobStoreOptions.MaxKeyBytes - Encoding.UTF8.GetByteCount(_options.Prefix + group); room >= 4; room -= 4) text.Append(LastText);
        return text.ToString();
    }

    /// <summary>The common prefix that a text belongs to; null if it would be listed itself.</summary>
    private static string? GroupOf(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)];
    }

    private static bool Straddles(string? position, ListRequest request)
    {
        if (position is null || request.Delimiter is not { Length: > 1 } delimiter) return false;
        int at = position.IndexOf(delimiter, Math.Clamp(request.Prefix.Length - delimiter.Length + 1, 0, position.Length), StringComparison.Ordinal);
        return at >= 0 && at < request.Prefix.Length;
    }

    private static bool IsXml(string text) => !text.AsSpan().ContainsAny('\uFFFE', '\uFFFF');

    /// <summary>What stands before the first character that XML cannot hold; an earlier text begins no later.</summary>
    private static string CutToXml(string text) => text.AsSpan().IndexOfAny('\uFFFE', '\uFFFF') is var at and >= 0 ? text[..at] : text;

    private static BlobInfo Listed(BlobKey key, S3Object? item)
    {
        DateTimeOffset modified = item?.LastModified is { } time ? new DateTimeOffset(time.ToUniversalTime(), TimeSpan.Zero) : DateTimeOffset.UnixEpoch;
        return new BlobInfo { Key = key, Length = item?.Size ?? 0, ETag = Unquoted(item?.ETag), Created = modified, Modified = modified };
    }

    /// <summary>Names are asked for percent-encoded, as XML holds not every character.</summary>
    private static string NameOfListed(string name) => Uri.UnescapeDataString(name.Replace("+", "%20", StringComparison.Ordinal));

    /// <param name="Entries">What it lists, in order.</param>
    /// <param name="IsTruncated">Whether the server has more.</param>
    private readonly record struct ServerPage(IReadOnlyList<Entry> Entries, bool IsTruncated);

    /// <param name="Text">The key, or the common prefix.</param>
    /// <param name="Listed">What the listing says; null for a common prefix.</param>
    private readonly record struct Entry(string Text, BlobInfo? Listed);
}
