namespace Strata.HitRatios;

/// <summary>Least frequently used since it came in goes first, the least recent of equals.</summary>
internal sealed class Lfu : Policy
{
    private readonly KeyLinks _links;
    private readonly List<KeyList> _byUses = [];
    private readonly int[] _uses;
    private long _bytes;
    private int _fewest;

    public Lfu(Trace trace)
        : base(trace)
    {
        _links = new KeyLinks(Sizes);
        _uses = new int[Keys];
    }

    public override string Name => "LFU";

    public override bool Request(int key)
    {
        if (_links.In[key] is { } list)
        {
            list.Remove(key);
            Of(++_uses[key]).Add(key);
            return true;
        }

        while (_bytes + Sizes[key] > Budget)
        {
            while (Of(_fewest).Count == 0) _fewest++;
            _bytes -= Sizes[Of(_fewest).RemoveOldest()];
        }

        _fewest = _uses[key] = 0;
        Of(0).Add(key);
        _bytes += Sizes[key];
        return false;
    }

    private KeyList Of(int uses)
    {
        while (_byUses.Count <= uses) _byUses.Add(new KeyList(_links));
        return _byUses[uses];
    }
}
