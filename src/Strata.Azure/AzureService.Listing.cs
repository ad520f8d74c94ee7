using System.Globalization;
using System.Runtime.CompilerServices;
using Azure.Core;

namespace Strata.Azure;

/// <content>Listings: the service's own tells metadata too, and so all of a blob.</content>
internal sealed partial class AzureService
{
    private const int MostInOnePage = 5000;

    /// <summary>The least that is asked for where only a little is wanted, as some of it may have expired.</summary>
    private const int LeastInOnePage = 100;

    public async IAsyncEnumerable<RemotePage> PagesAsync(ListRequest request, bool isOwn, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? position = request.Position();
        if (position is not null && !position.StartsWith(request.Prefix, StringComparison.Ordinal))
        {
            if (BlobKey.CompareText(position, request.Prefix) > 0) yield break;
            position = null;
        }

        // A delimiter of several characters is cut short by some servers: then all is listed and rolled up here.
        bool isRolledUpThere = request.Delimiter == "/";
        string? group = position is null ? null : ListPager.CommonPrefix(position, request);
        string? rolledUp = null;
        await foreach (List<RemoteListed> run in RunsAsync(request, isRolledUpThere ? request.Delimiter : null, position, cancellationToken).ConfigureAwait(false))
        {
            var entries = new List<RemoteListed>(run.Count);
            foreach (RemoteListed entry in run)
            {
                if (!isOwn && entry.Text.StartsWith(RemoteUploads.Reserved, StringComparison.Ordinal)) continue;
                string? of = isRolledUpThere ? null : ListPager.CommonPrefix(entry.Text, request);

                // A position within a common prefix leaves what is behind it there; one that is the prefix leaves nothing.
                bool isAround = entry.IsPrefix && position is not null && entry.Text != position && position.StartsWith(entry.Text, StringComparison.Ordinal);
                if (position is not null && !isAround && BlobKey.CompareText(entry.Text, position) <= 0) continue;
                if (group is not null && group == position && (of ?? (entry.IsPrefix ? entry.Text : ListPager.CommonPrefix(entry.Text, request))) == group) continue;
                if (of is null) entries.Add(entry);
                else if (of != rolledUp && entry.Blob!.IsVisibleAt(clock.GetUtcNow()))
                {
                    rolledUp = of;
                    entries.Add(new RemoteListed(of, entry.Info, null, IsPrefix: true));
                }
            }

            if (entries.Count > 0) yield return new RemotePage(entries, IsTruncated: false);
        }
    }

    /// <summary>
    /// The service's pages in the order of UTF-8. A server may go by UTF-16, which differs only between keys that part at a
    /// character above U+D7FF: such neighbours are gathered and put in order before any of them is passed on.
    /// </summary>
    private async IAsyncEnumerable<List<RemoteListed>> RunsAsync(ListRequest request, string? delimiter, string? position, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string prefix = BlobNames.Encode(request.Prefix);
        string? start = position is null ? null : BlobNames.Encode(position) is { } name && PlainPart(name, prefix.Length) is { } plain ? plain : BlobNames.Encode(position);
        string? marker = null;

        // One more than a page shows tells whether there is a next; a listing begins with its position, which is known.
        int all = request.Limit + (position is null ? 1 : 2), wanted = all;
        var waiting = new List<Entry>();
        do
        {
            string? from = marker;
            ListedPage page = await Calls.ReadAsync("list", null, async attempt => ListedPage.Parse((await client.SendAsync(RequestMethod.Get, null, asked =>
            {
                Add("restype", "container");
                Add("comp", "list");
                Add("include", "metadata");
                Add("prefix", _root + prefix);
                Add("delimiter", delimiter);
                Add("startFrom", start is { Length: > 0 } ? _root + start : null);
                Add("marker", from);
                Add("maxresults", Math.Min(MostInOnePage, wanted).ToString(CultureInfo.InvariantCulture));

                void Add(string name, string? value)
                {
                    if (!string.IsNullOrEmpty(value)) asked.Uri.AppendQuery(name, value);
                }
            }, attempt).ConfigureAwait(false)).Body), cancellationToken).ConfigureAwait(false);
            foreach (ListedPage.Entry listed in page.Entries)
            {
                if (EntryOf(listed) is { } entry && entry.Text.StartsWith(request.Prefix, StringComparison.Ordinal)) waiting.Add(entry);
            }

            marker = page.Next;
            wanted = wanted > page.Entries.Count ? Math.Max(wanted - page.Entries.Count, Math.Min(all, LeastInOnePage)) : all;
            if (waiting.Count == 0) continue;
            waiting.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            string? open = marker is null ? null : PlainPart(waiting[^1].Name, prefix.Length);
            List<Entry> ready = open is null ? waiting : [.. waiting.Where(e => PlainPart(e.Name, prefix.Length) != open)];
            waiting = open is null ? [] : [.. waiting.Where(e => PlainPart(e.Name, prefix.Length) == open)];
            if (ready.Count > 0) yield return InOrder(ready);
        }
        while (marker is not null);
        if (waiting.Count == 0) yield break;
        yield return InOrder(waiting);
    }

    private static List<RemoteListed> InOrder(List<Entry> entries)
    {
        entries.Sort((a, b) => BlobKey.CompareText(a.Text, b.Text));
        return entries.ConvertAll(e => e.Listed);
    }

    /// <summary>Null for what is no key of this store.</summary>
    private Entry? EntryOf(ListedPage.Entry listed)
    {
        string name = listed.Name.Length > _root.Length ? listed.Name[_root.Length..] : "";
        if (BlobNames.Decode(name) is not { Length: > 0 } text) return null;
        if (listed.Bare is not { } bare) return new Entry(name, new RemoteListed(text, null, null, IsPrefix: true));
        if (!BlobKey.TryParse(text, out BlobKey key)) return null;
        RemoteBlob blob = ObjectOf(bare with { Key = key }, listed.Metadata).Read(Traits, options.Name);
        return new Entry(name, new RemoteListed(text, blob.Info, blob, IsPrefix: false));
    }

    /// <summary>What stands before the first character that UTF-8 and UTF-16 order differently; null if there is none behind the prefix.</summary>
    private static string? PlainPart(string text, int prefix)
    {
        if (text.Length <= prefix) return null;
        int at = text.AsSpan(prefix).IndexOfAnyInRange('\uD800', '\uFFFF');
        return at < 0 ? null : text[..(prefix + at)];
    }

    /// <param name="Name">As the service has it, behind the store's prefix.</param>
    /// <param name="Listed">What it is.</param>
    private readonly record struct Entry(string Name, RemoteListed Listed)
    {
        public string Text => Listed.Text;
    }
}
