using System.Runtime.CompilerServices;
using Azure.Core;

namespace Strata.Azure;

/// <content>Listings: the service's own tells metadata too, and so all of a blob.</content>
public sealed partial class AzureBlobStore
{
    private const int MostInOnePage = 5000;
    private const int LooksAtOnce = 16;

    /// <inheritdoc/>
    /// <remarks>
    /// Exact at no further cost, but for blobs whose metadata is too long for headers, and a request for each common prefix, as
    /// all behind it may have expired. Blobs whose names are no keys are not listed.
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
                BlobInfo?[] infos = await LookAsync(some, request, cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < some.Length; i++)
                {
                    if (infos[i] is not { } info) continue;
                    if (items.Count + prefixes.Count == request.Limit) return new ListPage(items, prefixes, ListToken.Encode(last!, request));
                    last = some[i].Text;
                    if (some[i].IsPrefix) prefixes.Add(last);
                    else items.Add(info);
                }
            }
        }

        return new ListPage(items, prefixes, null);
    }

    /// <summary>What is behind the request's position: keys and common prefixes in order, without what is the store's own.</summary>
    private async IAsyncEnumerable<IReadOnlyList<Entry>> PagesAsync(ListRequest request, [EnumeratorCancellation] CancellationToken cancellationToken, bool isOwn = false)
    {
        string? position = request.Position();
        if (position is not null && !position.StartsWith(request.Prefix, StringComparison.Ordinal))
        {
            if (BlobKey.CompareText(position, request.Prefix) > 0) yield break;
            position = null;
        }

        // A delimiter of several characters is cut short by some servers: then all is listed and rolled up here.
        bool isRolledUpThere = request.Delimiter == "/";
        string? group = position is null ? null : GroupOf(position, request);
        string? rolledUp = null;
        await foreach (List<Entry> run in RunsAsync(request, isRolledUpThere ? request.Delimiter : null, position, cancellationToken).ConfigureAwait(false))
        {
            var entries = new List<Entry>(run.Count);
            foreach (Entry entry in run)
            {
                if (!isOwn && entry.Text.StartsWith(Reserved, StringComparison.Ordinal)) continue;
                string? of = isRolledUpThere ? null : GroupOf(entry.Text, request);

                // A position within a common prefix leaves what is behind it there; one that is the prefix leaves nothing.
                bool isAround = entry.IsPrefix && position is not null && entry.Text != position && position.StartsWith(entry.Text, StringComparison.Ordinal);
                if (position is not null && !isAround && BlobKey.CompareText(entry.Text, position) <= 0) continue;
                if (group is not null && group == position && (of ?? (entry.IsPrefix ? entry.Text : GroupOf(entry.Text, request))) == group) continue;
                if (of is null) entries.Add(entry);
                else if (of != rolledUp && Visible(entry.Blob) is { } visible)
                {
                    rolledUp = of;
                    entries.Add(new Entry(of, new RemoteBlob(visible, "", null, null), IsPrefix: true));
                }
            }

            if (entries.Count > 0) yield return entries;
        }
    }

    /// <summary>
    /// The service's pages in the order of UTF-8. A server may go by UTF-16, which differs only between keys that part at a
    /// character above U+D7FF: such neighbours are gathered and put in order before any of them is passed on.
    /// </summary>
    private async IAsyncEnumerable<List<Entry>> RunsAsync(ListRequest request, string? delimiter, string? position, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string prefix = BlobNames.Encode(request.Prefix);
        string? start = position is null ? null : BlobNames.Encode(position) is { } name && PlainPart(name, prefix.Length) is { } plain ? plain : BlobNames.Encode(position);
        string? marker = null;
        var waiting = new List<Entry>();
        do
        {
            string? from = marker;
            ListedPage page = await _calls.ReadAsync("list", null, async attempt => ListedPage.Parse((await _client.SendAsync(RequestMethod.Get, null, asked =>
            {
                Add("restype", "container");
                Add("comp", "list");
                Add("include", "metadata");
                Add("prefix", _root + prefix);
                Add("delimiter", delimiter);
                Add("startFrom", start is { Length: > 0 } ? _root + start : null);
                Add("marker", from);
                Add("maxresults", Math.Min(MostInOnePage, request.Limit + 1).ToString(System.Globalization.CultureInfo.InvariantCulture));

                void Add(string name, string? value)
                {
                    if (!string.IsNullOrEmpty(value)) asked.Uri.AppendQuery(name, value);
                }
            }, attempt).ConfigureAwait(false)).Body), cancellationToken).ConfigureAwait(false);
            waiting.AddRange(page.Entries.Select(EntryOf).OfType<Entry>().Where(e => e.Text.StartsWith(request.Prefix, StringComparison.Ordinal)));
            marker = page.Next;
            if (waiting.Count == 0) continue;
            waiting.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            string? open = marker is null ? null : PlainPart(waiting[^1].Name, prefix.Length);
            List<Entry> ready = open is null ? waiting : [.. waiting.Where(e => PlainPart(e.Name, prefix.Length) != open)];
            waiting = open is null ? [] : [.. waiting.Where(e => PlainPart(e.Name, prefix.Length) == open)];
            ready.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
            if (ready.Count > 0) yield return ready;
        }
        while (marker is not null);
        if (waiting.Count == 0) yield break;
        waiting.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
        yield return waiting;
    }

    /// <summary>Null for what is no key of this store.</summary>
    private Entry? EntryOf(ListedPage.Entry listed)
    {
        string name = listed.Name.Length > _root.Length ? listed.Name[_root.Length..] : "";
        if (BlobNames.Decode(name) is not { Length: > 0 } text) return null;
        if (listed.Bare is not { } bare) return new Entry(text, null, IsPrefix: true) { Name = name };
        return BlobKey.TryParse(text, out BlobKey key) ? new Entry(text, Parse(bare with { Key = key }, listed.Metadata), IsPrefix: false) { Name = name } : null;
    }

    /// <summary>What is shown: null for what is gone or has expired; for a common prefix anything, if one visible blob is behind it.</summary>
    private async ValueTask<BlobInfo?[]> LookAsync(Entry[] entries, ListRequest request, CancellationToken cancellationToken)
    {
        var infos = new BlobInfo?[entries.Length];
        string? position = request.Position();
        var open = new List<int>();
        for (int i = 0; i < entries.Length; i++)
        {
            Entry entry = entries[i];
            if (entry.IsPrefix ? entry.Blob is null : request.Exact && entry.Blob!.Appendix is not null) open.Add(i);
            else infos[i] = Visible(entry.Blob);
        }

        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = LooksAtOnce, CancellationToken = cancellationToken }, async (i, token) =>
        {
            Entry entry = entries[i];
            infos[i] = entry.IsPrefix
                ? await FirstVisibleAsync(entry.Text, position, token).ConfigureAwait(false)
                : Visible(await CompleteAsync(entry.Blob!, isLast: false, token).ConfigureAwait(false) ?? await FindAsync(entry.Blob!.Info.Key, "list", token).ConfigureAwait(false));
        }).ConfigureAwait(false);
        return infos;
    }

    private async ValueTask<BlobInfo?> FirstVisibleAsync(string prefix, string? position, CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<Entry> page in PagesAsync(new ListRequest { Prefix = prefix, StartAfter = position, Limit = 1 }, cancellationToken).ConfigureAwait(false))
        {
            foreach (Entry entry in page)
            {
                if (Visible(entry.Blob) is { } visible) return visible;
            }
        }

        return null;
    }

    /// <summary>What stands before the first character that UTF-8 and UTF-16 order differently; null if there is none behind the prefix.</summary>
    private static string? PlainPart(string text, int prefix)
    {
        if (text.Length <= prefix) return null;
        int at = text.AsSpan(prefix).IndexOfAnyInRange('\uD800', '\uFFFF');
        return at < 0 ? null : text[..(prefix + at)];
    }

    /// <summary>The common prefix that a text belongs to; null if it is listed itself.</summary>
    private static string? GroupOf(string text, ListRequest request)
    {
        if (request.Delimiter is not { } delimiter || !text.StartsWith(request.Prefix, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : text[..(at + delimiter.Length)];
    }

    /// <param name="Text">The key, or the common prefix.</param>
    /// <param name="Blob">The blob; for a common prefix a visible one behind it, if one is known.</param>
    /// <param name="IsPrefix">True for a common prefix.</param>
    private sealed record Entry(string Text, RemoteBlob? Blob, bool IsPrefix)
    {
        /// <summary>As the service has it, behind the store's prefix.</summary>
        public string Name { get; init; } = Text;
    }
}
