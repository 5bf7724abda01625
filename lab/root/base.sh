# Sourced. Decides what lies under a private root: the machine's own root with the installed layer over it.
#
# direct: lowerdir=LAYER:/ ; the layer is on another file system than / (overlayfs refuses layers inside each other).
# nested: the layer is on the same file system as /, so it must be an upperdir: a read-only overlay of its own, below the
#         private one. Its work directory is only needed at mount time. index=off: many such mounts may share one layer,
#         none of them ever writes to it.

lower_of() { # SHAPE LAYER STAGE -> sets $lower
    local shape=$1 layer=$2 stage=$3 work
    lower=/
    [ "$shape" = plain ] && return
    lower=$layer/upper:/
    [ "$shape" = direct ] && return
    work=$(mktemp -d "$layer/work.XXXXXX")
    mkdir -p "$stage/base"
    mount -t overlay -o "ro,index=off,lowerdir=/,upperdir=$layer/upper,workdir=$work" base "$stage/base"
    rm -rf "$work"
    lower=$stage/base
}
