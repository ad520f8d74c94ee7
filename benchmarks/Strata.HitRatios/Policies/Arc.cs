namespace Strata.HitRatios;

/// <summary>Adaptive replacement (Megiddo and Modha, 2003), its lists and its target measured in bytes.</summary>
internal sealed class Arc : Policy
{
    private readonly KeyLinks _links;
    private readonly KeyList _once;
    private readonly KeyList _often;
    private readonly KeyList _onceGone;
    private readonly KeyList _oftenGone;
    private double _target;

    public Arc(Trace trace)
        : base(trace)
    {
        _links = new KeyLinks(Sizes);
        (_once, _often, _onceGone, _oftenGone) = (new(_links), new(_links), new(_links), new(_links));
    }

    public override string Name => "ARC";

    public override bool Request(int key)
    {
        KeyList? list = _links.In[key];
        if (list == _once || list == _often)
        {
            list!.Remove(key);
            _often.Add(key);
            return true;
        }

        long size = Sizes[key];
        bool wasOften = list == _oftenGone;
        if (list == _onceGone) _target = Math.Min(Budget, _target + (size * Math.Max(1.0, (double)_oftenGone.Bytes / _onceGone.Bytes)));
        else if (wasOften) _target = Math.Max(0, _target - (size * Math.Max(1.0, (double)_onceGone.Bytes / _oftenGone.Bytes)));
        list?.Remove(key);
        while (_once.Bytes + _often.Bytes + size > Budget) Replace(wasOften);
        (list is null ? _once : _often).Add(key);
        while (_onceGone.Count > 0 && _once.Bytes + _onceGone.Bytes > Budget) _onceGone.RemoveOldest();
        while (_oftenGone.Count > 0 && _once.Bytes + _onceGone.Bytes + _often.Bytes + _oftenGone.Bytes > 2 * Budget) _oftenGone.RemoveOldest();
        return false;
    }

    private void Replace(bool wasOften)
    {
        bool fromOnce = _once.Count > 0 && (_often.Count == 0 || _once.Bytes > _target || (wasOften && _once.Bytes == (long)_target));
        if (fromOnce) _onceGone.Add(_once.RemoveOldest());
        else _oftenGone.Add(_often.RemoveOldest());
    }
}
