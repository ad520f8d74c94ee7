using System.Buffers;
using System.Text;

namespace Strata;

/// <summary>A page of a listing, for those who bring the keys in order, from a place on that the page names.</summary>
internal sealed class ListPageBuilder
{
    private readonly ListRequest _request;
    private readonly List<BlobInfo> _items = [];
    private readonly List<string> _prefixes = [];
    private readonly string? _position;
    private readonly string? _covered;
    private string? _emitted;
    private string? _token;

    /// <param name="request">A validated request.</param>
    public ListPageBuilder(ListRequest request)
    {
        _request = request;
        _position = request.Position();
        _covered = _position is not null && ListPager.CommonPrefix(_position, request) == _position ? _position : null;
        From = _position is not null && BlobKey.CompareText(_position, request.Prefix) > 0 ? _position : request.Prefix;
    }

    /// <summary>Where the keys begin that are wanted next, itself included.</summary>
    public string From { get; private set; }

    /// <summary>Whether the page is finished.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Takes the next key.</summary>
    /// <param name="text">The key.</param>
    /// <param name="visible">Its metadata, or null if it is not to be shown; asked only if it matters.</param>
    /// <returns>False: what follows here is not wanted; go on from <see cref="From"/>, unless the page is done.</returns>
    public bool Offer(string text, Func<string, BlobInfo?> visible)
    {
        if (!text.StartsWith(_request.Prefix, StringComparison.Ordinal)) return End();
        string? group = ListPager.CommonPrefix(text, _request);
        bool isCovered = _covered is not null && group == _covered;
        bool isBehind = !isCovered && (_position is null || BlobKey.CompareText(text, _position) > 0);
        BlobInfo? info = isBehind ? visible(text) : null;
        if (info is not null)
        {
            if (_items.Count + _prefixes.Count == _request.Limit)
            {
                _token = ListToken.Encode(_emitted!, _request);
                return End();
            }

            if (group is null) _items.Add(info);
            else _prefixes.Add(group);
            _emitted = group ?? text;
        }

        if (group is null || (info is null && !isCovered)) return true;
        if (AfterAll(group) is not { } next) return End();
        From = next;
        return false;
    }

    /// <summary>There are no more keys.</summary>
    public bool End()
    {
        IsDone = true;
        return false;
    }

    /// <summary>What came together.</summary>
    public ListPage ToPage() => new(_items, _prefixes, _token);

    /// <summary>The least text that is behind every text beginning with <paramref name="prefix"/>; null if there is none.</summary>
    internal static string? AfterAll(string prefix)
    {
        ReadOnlySpan<char> head = prefix;
        while (Rune.DecodeLastFromUtf16(head, out Rune last, out int length) == OperationStatus.Done)
        {
            head = head[..^length];
            if (last.Value < 0x10FFFF) return $"{head}{new Rune(last.Value == 0xD7FF ? 0xE000 : last.Value + 1)}";
        }

        return null;
    }
}
