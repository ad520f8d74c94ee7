namespace Strata.HitRatios;

/// <summary>Least recently used goes first.</summary>
internal sealed class Lru : Policy
{
    private readonly KeyList _held;

    public Lru(Trace trace)
        : base(trace) => _held = new KeyList(new KeyLinks(Sizes));

    public override string Name => "LRU";

    public override bool Request(int key)
    {
        if (_held.Holds(key))
        {
            _held.MoveToNewest(key);
            return true;
        }

        while (_held.Bytes + Sizes[key] > Budget) _held.RemoveOldest();
        _held.Add(key);
        return false;
    }
}
