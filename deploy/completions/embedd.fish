# Completes embedd's command line in fish: embedd itself says what may follow.

function __embedd_offers
    set -l words (commandline -opc) (commandline -ct)
    set -l offers ($words[1] __complete $words[2..-1] 2>/dev/null)
    if test "$offers" = :files
        __fish_complete_path (commandline -ct)
    else
        printf "%s\n" $offers
    end
end

complete -c embedd -f -a '(__embedd_offers)'
